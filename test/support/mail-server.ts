import type { AddressInfo } from 'node:net';
import { SMTPServer } from 'smtp-server';

export interface ReceivedMail {
  /** By SMTP, whatever the headers say. */
  recipients: string[];
  /** Names in lower case, values decoded. */
  headers: Map<string, string>;
  text: string;
  raw: string;
}

/** A mail server on loopback that keeps what it is given. */
export class MailServer {
  readonly mails: ReceivedMail[] = [];
  /** What it answers to the content: nothing at all while it is `hang`. */
  answer: 'take' | 'hang' | number = 'take';
  private server?: SMTPServer;
  private port = 0;

  async start(): Promise<this> {
    const server = new SMTPServer({
      authOptional: true,
      disabledCommands: ['STARTTLS', 'AUTH'],
      onRcptTo: (_address, _session, done) => done(typeof this.answer === 'number' ? this.refusal() : null),
      onData: (stream, session, done) => {
        const chunks: Buffer[] = [];
        stream.on('data', (chunk: Buffer) => chunks.push(chunk));
        stream.on('end', () => {
          const recipients = session.envelope.rcptTo.map(({ address }) => address);
          this.mails.push({ recipients, ...parsed(Buffer.concat(chunks).toString('utf8')) });
          if (this.answer !== 'hang') done();
        });
      },
    });
    server.on('error', () => undefined);
    await new Promise<void>((resolve) => server.listen(this.port, '127.0.0.1', resolve));
    this.port = (server.server.address() as AddressInfo).port;
    this.server = server;
    return this;
  }

  get url(): string {
    return `smtp://127.0.0.1:${this.port}`;
  }

  to(address: string): ReceivedMail[] {
    return this.mails.filter(({ recipients }) => recipients.some((one) => one.toLowerCase() === address.toLowerCase()));
  }

  /** May be started again, on the same port. */
  async stop(): Promise<void> {
    await new Promise<void>((resolve) => (this.server ? this.server.close(resolve) : resolve()));
    this.server = undefined;
  }

  private refusal(): Error {
    return Object.assign(new Error('Refused by the test'), { responseCode: this.answer });
  }
}

function parsed(raw: string): Omit<ReceivedMail, 'recipients'> {
  const [head, ...body] = raw.split('\r\n\r\n');
  const headers = new Map(
    head
      .replaceAll(/\r\n[ \t]+/g, ' ')
      .split('\r\n')
      .map((line): [string, string] => [
        line.slice(0, line.indexOf(':')).toLowerCase(),
        words(line.slice(line.indexOf(':') + 1).trim()),
      ]),
  );
  const text = body.join('\r\n\r\n');
  const encoding = headers.get('content-transfer-encoding');
  const decoded =
    encoding === 'base64'
      ? Buffer.from(text, 'base64').toString('utf8')
      : encoding === 'quoted-printable'
        ? printable(text.replaceAll('=\r\n', ''))
        : text;
  return { headers, text: decoded.replaceAll('\r\n', '\n'), raw };
}

/** RFC 2047 */
const words = (text: string): string =>
  text
    .replaceAll(/\?=\s+=\?/g, '?==?')
    .replaceAll(/=\?UTF-8\?([QB])\?([^?]*)\?=/gi, (_, kind: string, word: string) =>
      kind.toUpperCase() === 'B'
        ? Buffer.from(word, 'base64').toString('latin1')
        : word.replaceAll('_', ' ').replaceAll(/=([0-9A-F]{2})/g, (_hex, code: string) => byte(code)),
    )
    .replaceAll(/[\u0080-\u00ff]+/g, (bytes) => Buffer.from(bytes, 'latin1').toString('utf8'));

const printable = (text: string): string =>
  Buffer.from(
    text.replaceAll(/=([0-9A-F]{2})/g, (_, code: string) => byte(code)),
    'latin1',
  ).toString('utf8');

const byte = (code: string): string => String.fromCharCode(Number.parseInt(code, 16));
