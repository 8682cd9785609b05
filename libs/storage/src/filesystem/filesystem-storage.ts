import { createHash, randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { access, constants, opendir, readdir, rm, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { Readable } from 'node:stream';
import { toUSVString } from 'node:util';
import { LienThongError } from '@lienthong/contracts';
import { contentDisposition } from '../content-disposition';
import { checkPart, packetPrefix, pieceSizes, ROOT, splitKey } from '../object-key';
import {
  ContentKept,
  type Finding,
  type MultipartAddresses,
  type PurgeReport,
  Storage,
  type StoredPart,
  type UploadAddress,
  partSizeOf,
} from '../storage';
import {
  PieceMissing,
  TooLong,
  keepFile,
  keepPiece,
  makeFolder,
  readPieces,
  receiveFile,
  syncFolder,
} from './content-files';
import { type Permission, SignedAddresses } from './signed-address';

export interface FilesystemSettings {
  /** Where content lies; one local disk or network file system that all processes of the platform see. */
  folder: string;
  /** Origin that clients reach the platform by; addresses are `<publicUrl>/storage/<key>?…`, served by `storageRouter`. */
  publicUrl: string;
  /** Signs the addresses; at least 32 bytes, the same in every process. */
  secret: string;
}

type PutPermission = Extract<Permission, { operation: 'put' }>;
type PiecePermission = Extract<Permission, { operation: 'piece' }>;
type GetPermission = Extract<Permission, { operation: 'get' }>;

const PAGE = 1000;
const UPLOAD_ID = /^[0-9a-f]{32}$/;

/**
 * Content in files: `<folder>/packets/<packet>/<name>.<SHA-256>`. The digest is in the file's name and is checked before the file gets it, so a file that is there
 * is whole, and other bytes can never take its place. Only this class makes the folder of a packet, when it signs an upload: after a purge no old address brings it back.
 */
export class FilesystemStorage extends Storage {
  readonly uploadsOutlivePurge = false;
  private readonly root: string;
  private readonly addresses: SignedAddresses;

  constructor(private readonly settings: FilesystemSettings) {
    super();
    this.root = resolve(settings.folder);
    this.addresses = new SignedAddresses(settings.publicUrl, settings.secret, () => this.clock.now());
  }

  async open(): Promise<void> {
    if (Buffer.byteLength(this.settings.secret) < 32)
      throw new Error('The secret that signs storage addresses needs at least 32 bytes.');
    if (!URL.canParse(this.settings.publicUrl))
      throw new Error(`The public address of the storage is not a URL: ${this.settings.publicUrl}`);
    try {
      await makeFolder(join(this.root, 'packets'));
      const probe = await receiveFile(Readable.from([Buffer.from('probe')]), this.root, 5);
      await rm(probe.path);
    } catch (error) {
      throw new Error(`The storage folder cannot be used: ${(error as Error).message}`, { cause: error });
    }
  }

  async close(): Promise<void> {}

  async check(): Promise<void> {
    await access(join(this.root, 'packets'), constants.W_OK);
  }

  async presignPut(part: StoredPart, expiresInSeconds: number): Promise<UploadAddress> {
    checkPart(part);
    await makeFolder(this.folderOf(part));
    const { key, size, sha256, mediaType } = part;
    const url = this.addresses.sign({ operation: 'put', key, size, sha256, mediaType }, expiresInSeconds);
    return { url, headers: { 'content-length': String(size), 'content-type': mediaType } };
  }

  async presignMultipart(part: StoredPart, expiresInSeconds: number, uploadId?: string): Promise<MultipartAddresses> {
    checkPart(part);
    const known = uploadId !== undefined && (await exists(this.piecesOf(part, uploadId)));
    const id = known ? uploadId : randomBytes(16).toString('hex');
    await makeFolder(this.piecesOf(part, id));
    const partSize = partSizeOf(part.size);
    const urls = pieceSizes(part.size, partSize).map((size, index) => {
      const piece = { operation: 'piece', key: part.key, uploadId: id, partNumber: index + 1, size } as const;
      const headers = { 'content-length': String(size) };
      return { partNumber: index + 1, url: this.addresses.sign(piece, expiresInSeconds), headers };
    });
    return { uploadId: id, partSize, urls };
  }

  async completeMultipart(part: StoredPart, uploadId: string, etags: string[]): Promise<Finding> {
    checkPart(part);
    const pieces = this.piecesOf(part, uploadId);
    const before = await this.inspect(part);
    if (before === 'whole') {
      await rm(pieces, { recursive: true, force: true });
      return 'whole';
    }
    if (etags.length !== pieceSizes(part.size, partSizeOf(part.size)).length) return 'missing';
    try {
      const received = await receiveFile(readPieces(pieces, etags), pieces, part.size);
      const finding = findingOf(part, received.size, received.sha256);
      if (finding !== 'whole') {
        await rm(received.path, { force: true });
        return finding;
      }
      await keepFile(received, this.fileOf(part));
    } catch (error) {
      if (error instanceof TooLong) return 'size';
      const gone = error instanceof LienThongError && error.code === 'upload_refused';
      // Another call may have completed it meanwhile and taken the pieces away.
      if (error instanceof PieceMissing || gone) return this.inspect(part);
      throw error;
    }
    await rm(pieces, { recursive: true, force: true });
    return 'whole';
  }

  async put(part: StoredPart, content: Buffer): Promise<void> {
    checkPart(part);
    const digest = createHash('sha256').update(content).digest();
    refuseOther(part, content.length, digest);
    await makeFolder(this.folderOf(part));
    await keepFile(await receiveFile(Readable.from([content]), this.folderOf(part), part.size), this.fileOf(part));
  }

  async inspect(part: StoredPart): Promise<Finding> {
    try {
      return (await stat(this.fileOf(part))).size === part.size ? 'whole' : 'size';
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 'missing';
      throw error;
    }
  }

  /** Nothing more to do: a file has its name only after its digest was checked, and nobody can write to it. */
  seal(part: StoredPart): Promise<Finding> {
    return this.inspect(part);
  }

  async presignGet(part: StoredPart, expiresInSeconds: number, fileName: string): Promise<UploadAddress> {
    checkPart(part);
    const { key, size, sha256, mediaType } = part;
    const permission = { operation: 'get', key, size, sha256, mediaType, fileName: toUSVString(fileName) } as const;
    return { url: this.addresses.sign(permission, expiresInSeconds), headers: {} };
  }

  async read(part: StoredPart): Promise<Readable> {
    if ((await this.inspect(part)) === 'missing') throw new LienThongError('not_found');
    return createReadStream(this.fileOf(part));
  }

  async purge(packetId: string): Promise<PurgeReport> {
    const prefix = packetPrefix(packetId);
    const folder = join(this.root, prefix);
    const entries = await readdir(folder, { withFileTypes: true }).catch(absentIsEmpty);
    const refused = await rm(folder, { recursive: true, force: true, maxRetries: 3 }).then(
      () => '',
      ({ code, message }: NodeJS.ErrnoException) => code ?? message,
    );
    const deletedAt = entries.length > 0 ? new Date(this.clock.now()).toISOString() : null;
    await syncFolder(join(this.root, 'packets'));
    if (await exists(folder)) throw new ContentKept(packetId, entries.length, refused);
    return {
      removed: entries
        .filter((entry) => entry.isFile())
        .map((entry) => prefix + entry.name.replace(/\.[0-9a-f]{64}$/, '')),
      aborted: entries.filter((entry) => entry.isDirectory()).length,
      checked: ['objects', 'uploads'],
      deletedAt,
      verifiedAbsentAt: new Date(this.clock.now()).toISOString(),
    };
  }

  async *places(): AsyncGenerator<string[]> {
    let page: string[] = [];
    for await (const { name } of await opendir(join(this.root, ROOT))) {
      if (page.push(name) < PAGE) continue;
      yield page;
      page = [];
    }
    yield page;
  }

  /** For the router: what the address allows. @throws `upload_refused` */
  permission(method: string, target: string): Permission {
    return this.addresses.verify(method, target);
  }

  /** For the router: stores the body of a PUT if it is what the address was signed for. @throws `content_mismatch`, `storage_full`, `upload_refused` */
  async receive(permission: PutPermission, body: AsyncIterable<Buffer>): Promise<void> {
    const received = await receiveWithin(permission.size, permission.key, body, this.folderOf(permission));
    try {
      refuseOther(permission, received.size, received.sha256);
    } catch (error) {
      await rm(received.path, { force: true });
      throw error;
    }
    await keepFile(received, this.fileOf(permission));
  }

  /** For the router: stores a piece. @returns its etag. @throws as `receive` */
  async receivePiece(permission: PiecePermission, body: AsyncIterable<Buffer>): Promise<string> {
    const { key, uploadId, partNumber, size } = permission;
    const folder = this.piecesOf(permission, uploadId);
    const received = await receiveWithin(size, key, body, folder);
    if (received.size !== size) {
      await rm(received.path, { force: true });
      throw mismatch(key, 'size', size, received.size);
    }
    return keepPiece(received, folder, partNumber);
  }

  /** For the router: the file to serve and the headers that go with it. */
  download(permission: GetPermission): { root: string; file: string; headers: Record<string, string> } {
    const file = fileName(permission);
    const headers = {
      'content-type': permission.mediaType,
      'content-disposition': contentDisposition(permission.fileName),
      'cache-control': 'private, no-store',
      'content-security-policy': "default-src 'none'; sandbox",
      'referrer-policy': 'no-referrer',
      'x-content-type-options': 'nosniff',
      etag: `"${Buffer.from(permission.sha256, 'base64').toString('hex')}"`,
    };
    return { root: this.folderOf(permission), file, headers };
  }

  private folderOf({ key }: { key: string }): string {
    return join(this.root, packetPrefix(splitKey(key).packetId));
  }

  private fileOf(part: { key: string; sha256: string }): string {
    return join(this.folderOf(part), fileName(part));
  }

  private piecesOf(part: { key: string }, uploadId: string): string {
    if (!UPLOAD_ID.test(uploadId)) throw new LienThongError('upload_refused');
    return join(this.folderOf(part), `${splitKey(part.key).name}.${uploadId}`);
  }
}

const fileName = ({ key, sha256 }: { key: string; sha256: string }): string =>
  `${splitKey(key).name}.${Buffer.from(sha256, 'base64').toString('hex')}`;

async function receiveWithin(size: number, key: string, body: AsyncIterable<Buffer>, folder: string) {
  try {
    return await receiveFile(body, folder, size);
  } catch (error) {
    throw error instanceof TooLong ? mismatch(key, 'size', size, `more than ${size}`) : error;
  }
}

function findingOf(part: { size: number; sha256: string }, size: number, sha256: Buffer): Finding {
  if (size !== part.size) return 'size';
  return sha256.toString('base64') === part.sha256 ? 'whole' : 'digest';
}

function refuseOther(part: { key: string; size: number; sha256: string }, size: number, sha256: Buffer): void {
  const finding = findingOf(part, size, sha256);
  if (finding === 'size') throw mismatch(part.key, 'size', part.size, size);
  if (finding === 'digest') throw mismatch(part.key, 'sha256', part.sha256, sha256.toString('base64'));
}

const mismatch = (part: string, what: string, declared: string | number, actual: string | number) =>
  new LienThongError('content_mismatch', { part, what, declared, actual });

const absentIsEmpty = (error: NodeJS.ErrnoException) => (error.code === 'ENOENT' ? [] : Promise.reject(error));

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    (error: NodeJS.ErrnoException) => (error.code === 'ENOENT' ? false : Promise.reject(error)),
  );
