import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { newPlatformKey, platformKeyOf, receiptHash, signReceipt } from '@lienthong/signing';
import { FakeExchange } from '../testing/fake-exchange';
import { ACCESS_KEY, FakePlatform, SECRET_KEY } from '../testing/fake-platform';
import { FakeStream } from '../testing/fake-stream';
import { runInProcess } from '../testing/run-in-process';

describe('command line', () => {
  let platform: FakePlatform;
  let exchange: FakeExchange;
  let stream: FakeStream;
  let folder: string;
  let keyFile: string;

  beforeEach(async () => {
    platform = await new FakePlatform().start();
    exchange = new FakeExchange(platform);
    stream = new FakeStream(platform);
    platform.route('GET', /^\/v1\/limits$/, () => ({ status: 200, body: {} }), true);
    platform.route('GET', /^\/v1\/packets$/, () => ({ status: 200, body: { items: [], nextCursor: null } }));
    folder = await mkdtemp(join(tmpdir(), 'lienthong-cli-'));
    keyFile = join(folder, 'key.json');
    const key = { accessKey: ACCESS_KEY, secretKey: SECRET_KEY, baseUrl: platform.origin };
    await writeFile(keyFile, JSON.stringify(key), { mode: 0o600 });
  });
  afterEach(async () => {
    await platform.stop();
    await rm(folder, { recursive: true });
  });
  const run = (...words: string[]) => runInProcess(['--key-file', keyFile, ...words], { LANG: 'vi_VN.UTF-8' });

  it('sends a file and prints the packet, for people and for machines', async () => {
    const file = join(folder, 'công văn.pdf');
    await writeFile(file, 'nội dung');
    const human = await run('send', file, '--to', 'H01.20', '--title', 'V/v');
    expect(human).toMatchObject({ code: 0, err: '' });
    expect(human.out).toMatch(/^✓ [0-9a-f-]{36} {2}đã nhận đủ, đang kiểm tra\n$/);
    const machine = await run('send', file, '--to', 'H01.20', '--title', 'V/v', '--deliver-by', '2d', '--json');
    const { packetId } = JSON.parse(machine.out);
    const { policy } = exchange.packet(packetId).request;
    expect(Math.abs(Date.parse(policy?.deliverBy ?? '') - Date.now() - 172_800_000)).toBeLessThan(60_000);
  });

  it('receives what waits, and says so when one packet fails', async () => {
    exchange.deliver({ 'a.txt': Buffer.from('a') });
    const target = join(folder, 'in');
    expect(await run('receive', target)).toMatchObject({ code: 0 });
    expect(await readdir(target)).toEqual(['a.txt']);
    expect((await run('receive', target)).err).toBe('Không có gói tin nào đang chờ.\n');
    const bad = exchange.deliver({ 'b.txt': Buffer.from('b') });
    platform.mishap(`POST /v1/deliveries/${bad}/ready`, { code: 'wrong_state' });
    const failed = await run('receive', target);
    expect(failed.code).toBe(1);
    expect(failed.err).toContain('[wrong_state]');
  });

  it('watches: receives what comes later, without another start', async () => {
    const stop = new AbortController();
    const target = join(folder, 'in');
    const watching = runInProcess(['--key-file', keyFile, 'receive', target, '--watch', '--json'], {}, stop.signal);
    while (stream.connections === 0) await new Promise(setImmediate);
    const id = exchange.deliver({ 'a.txt': Buffer.from('a') });
    stream.emit(1);
    while (!exchange.confirmed.has(id)) await new Promise(setImmediate);
    stop.abort();
    const { code, out } = await watching;
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({ deliveryId: id, state: 'accepted' });
  });

  it('runs a command per packet with the facts in its environment, and does not acknowledge when it fails', async () => {
    const key = keyFile;
    const listen = (command: string, signal: AbortSignal) =>
      runInProcess(['--key-file', key, '--lang', 'en', 'listen', '--exec', command], {}, signal);
    stream.emit(1);
    const failed = await listen('exit 3', new AbortController().signal);
    expect(failed.code).toBe(1);
    expect(failed.err).toContain('ended with 3');
    expect(stream.acknowledged).toBe(0);
    const stop = new AbortController();
    const written = join(folder, 'offset.txt');
    const listening = listen(`printf %s "$LIENTHONG_OFFSET" > '${written}'`, stop.signal);
    while (stream.acknowledged < 1) await new Promise(setImmediate);
    stop.abort();
    expect((await listening).code).toBe(0);
    expect(await readFile(written, 'utf8')).toBe('1');
  });

  it('shows the signature base of the worked example of the protocol', async () => {
    const example = join(folder, 'example.json');
    const secretKey = 'c2VjcmV0LWtleS1mb3ItZG9jcy1vbmx5LTMyYnl0ZXM';
    await writeFile(example, JSON.stringify({ accessKey: 'AKEXAMPLE', secretKey }), { mode: 0o600 });
    const { out } = await runInProcess(
      ['--json', '--key-file', example, '--url', 'http://x.vn', 'sign', 'post', '/v1/packets', '--body', '{}'].concat([
        '--created',
        '1790000000',
        '--nonce',
        'n-0123456789abcdef',
      ]),
    );
    const { headers, base, curl } = JSON.parse(out);
    expect(headers.signature).toBe('sig=:szUaU14Z+z46I8UNo4dz+532joaxsto4EPpCsnei0p0=:');
    expect(base.split('\n')[0]).toBe('"@method": POST');
    expect(curl).toContain(`-H 'signature: ${headers.signature}'`);
    expect(out).not.toContain(secretKey);
  });

  it('explains the request of another program, here and by the platform', async () => {
    const [http, own] = [join(folder, 'request.http'), join(folder, 'base.txt')];
    const made = await runInProcess(['--json', '--key-file', keyFile, 'sign', 'GET', '/v1/limits']);
    const { base, headers } = JSON.parse(made.out) as { base: string; headers: Record<string, string> };
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
    await writeFile(http, ['GET /v1/limits HTTP/1.1', ...lines, '', ''].join('\n'));
    await writeFile(own, base.replace('"@query": ?', '"@query": '));
    platform.route(
      'POST',
      /^\/v1\/signature-checks$/,
      ({ json }) => ({
        status: 200,
        body: { key: 'known', clockSkewSeconds: 1, failed: null, nextStep: `compare ${typeof json.signatureBase}` },
      }),
      true,
    );
    const args = ['sign', '--explain', '--http-file', http, '--base-file', own];
    const asked = await runInProcess(['--lang', 'en', '--url', platform.origin, ...args]);
    expect(asked).toMatchObject({ code: 0, err: '' });
    expect(asked.out).toContain(base);
    expect(asked.out).toContain('line 3');
    expect(asked.out).toContain('✓ compare string');
    const alone = await runInProcess(['--json', ...args]);
    expect(JSON.parse(alone.out)).toMatchObject({
      local: { signatureBase: base, failed: null, difference: { line: 3 } },
    });
    expect(alone.out).not.toContain('platform');
  });

  it('finds everything in order, or says what is wrong and what to do', async () => {
    const well = await run('doctor');
    expect(well.code).toBe(0);
    expect(well.out.match(/^✓/gm)).toHaveLength(5);
    platform.mishap('POST /v1/sessions', { code: 'key_revoked' });
    const revoked = await run('--json', 'doctor');
    expect(revoked.code).toBe(1);
    expect(JSON.parse(revoked.out)).toMatchObject({ ok: false, findings: [{}, {}, { check: 'key', ok: false }] });
    const away = await runInProcess(['--key-file', keyFile, '--url', 'http://127.0.0.1:1', '--lang', 'en', 'doctor']);
    expect(away).toMatchObject({ code: 1 });
    expect(away.out).toContain('✗ The platform does not answer: http://127.0.0.1:1 [unreachable]');
  });

  it('writes an issued key to a file that only this user can read, and never over another file', async () => {
    platform.route('POST', /^\/v1\/admin\/systems\/H01\.14\/qlvb\/keys$/, ({ json }) => ({
      status: 201,
      body: {
        accessKey: 'AK1',
        secretKey: json.publicKeyPem ? undefined : 's',
        systemId: 'H01.14/qlvb',
        algorithms: json.algorithms,
      },
    }));
    const out = join(folder, 'new.json');
    const issued = await run('admin', 'keys', 'issue', 'H01.14/qlvb', '--out', out);
    expect(issued.code).toBe(0);
    expect((await stat(out)).mode & 0o777).toBe(0o600);
    const expected = { accessKey: 'AK1', secretKey: 's', algorithm: 'hmac-sha256', baseUrl: platform.origin };
    expect(JSON.parse(await readFile(out, 'utf8'))).toEqual(expected);
    expect(await run('admin', 'keys', 'issue', 'H01.14/qlvb', '--out', out)).toMatchObject({ code: 1 });
    expect(platform.count('POST /v1/admin/systems/H01.14/qlvb/keys')).toBe(1);
    const rsa = join(folder, 'rsa.json');
    await run('admin', 'keys', 'issue', 'H01.14/qlvb', '--rsa', '--out', rsa);
    expect(JSON.parse(await readFile(rsa, 'utf8'))).toMatchObject({
      algorithm: 'rsa-pss-sha512',
      privateKeyPem: expect.stringContaining('BEGIN PRIVATE KEY'),
    });
    expect(platform.asked.at(-1)?.body.toString()).not.toContain('PRIVATE');
  });

  it('checks a bundle offline, and finds a receipt that was changed and a file that does not belong to it', async () => {
    const { kid, privatePem, publicJwk } = newPlatformKey();
    const content = join(folder, 'a.txt');
    await writeFile(content, 'a');
    const parts = [{ name: 'a.txt', size: 1, sha256: 'ypeBEsobvcr6wjGzmiPcTaeG7/gUfE5yuYB3ha/uSLs=' }];
    const claims = { iss: 'x', iat: 1, packetId: 'p', from: 'H01.14/qlvb', to: ['H01.20'], parts };
    const first = signReceipt(
      { ...claims, jti: '1', event: 'packet.accepted', prev: null },
      platformKeyOf(kid, privatePem),
    );
    const second = signReceipt(
      { ...claims, jti: '2', event: 'packet.purged', prev: receiptHash(first) },
      platformKeyOf(kid, privatePem),
    );
    const jwks = join(folder, 'jwks.json');
    await writeFile(jwks, JSON.stringify({ keys: [publicJwk] }));
    const bundleOf = async (...receipts: string[]) => {
      const file = join(folder, 'bundle.json');
      await writeFile(file, JSON.stringify({ packetId: 'p', receipts: receipts.map((jws) => ({ jws })) }));
      return file;
    };
    const verify = async (...words: string[]) => runInProcess(['verify', ...words, '--jwks', jwks], { LANG: 'vi' });
    const good = await verify(await bundleOf(first, second), '--content', content);
    expect(good).toMatchObject({ code: 0, out: expect.stringContaining('✓ Hợp lệ: 2 biên nhận') });
    expect(await verify(await bundleOf(second))).toMatchObject({
      code: 1,
      out: expect.stringContaining('✗ Không hợp lệ'),
    });
    expect(await verify(await bundleOf(first, second), '--content', keyFile)).toMatchObject({ code: 1 });
    expect(platform.asked).toEqual([]);
  });

  it('prints one sentence and the code of an error of the platform, with code 1', async () => {
    expect(await run('status', 'absent')).toEqual({
      code: 1,
      out: '',
      err: 'Không có đối tượng này hoặc hệ thống của bạn không phải là một bên của nó. Kiểm tra lại mã. [not_found]\n',
    });
    expect(JSON.parse((await run('--json', 'status', 'absent')).err)).toMatchObject({ error: { code: 'not_found' } });
  });

  it('names the recipients that were refused, and why', async () => {
    const file = join(folder, 'a.txt');
    await writeFile(file, 'a');
    const recipients = [
      { address: 'H01.20', systemId: 'H01.20/qlvb', allowed: true, routedBy: 'default' },
      { address: 'H01.77', systemId: null, allowed: false, reason: 'unknown_recipient', routedBy: null },
    ];
    platform.mishap('POST /v1/packets', { code: 'recipients_refused', members: { recipients } });
    const { code, err } = await run('send', file, '--to', 'H01.20', 'H01.77', '--title', 'V/v');
    expect(code).toBe(1);
    expect(err).toContain('[recipients_refused]\n  H01.77: không có trong danh mục\n');
  });

  it.each([
    [['send', 'a.txt', '--title', 'x'], 'Thiếu tùy chọn bắt buộc --to <address...>'],
    [['nonsense'], 'Không có lệnh nonsense'],
    [['status'], 'Cần mã gói tin, hoặc --stuck'],
    [['status', 'x', '--nonsense'], 'Không có tùy chọn --nonsense'],
  ])('ends with code 2 when used wrongly: %j', async (words, sentence) => {
    const { code, err } = await run(...words);
    expect(code).toBe(2);
    expect(err).toContain(sentence);
  });

  it('takes address and key from the environment, and says what is missing', async () => {
    const env = { LIENTHONG_URL: platform.origin, LIENTHONG_ACCESS_KEY: ACCESS_KEY, LIENTHONG_SECRET_KEY: SECRET_KEY };
    expect(await runInProcess(['--lang', 'en', 'status', 'x'], env)).toMatchObject({
      code: 1,
      err: expect.stringContaining('[not_found]'),
    });
    const nothing = await runInProcess(['--lang', 'en', 'status', 'x'], {});
    expect(nothing).toMatchObject({ code: 1, err: expect.stringContaining('LIENTHONG_URL') });
  });

  it('warns of a key file that others can read', async () => {
    const { privateKey: privateKeyPem } = generateKeyPairSync('rsa', {
      modulusLength: 2048,
      publicKeyEncoding: { type: 'spki', format: 'pem' },
      privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    });
    const open = join(folder, 'open.json');
    await writeFile(open, JSON.stringify({ accessKey: 'a', privateKeyPem, baseUrl: 'http://x.vn' }), { mode: 0o644 });
    const { err, out } = await runInProcess(['--lang', 'en', '--key-file', open, 'sign', 'GET', '/v1/limits']);
    expect(err).toContain('chmod 600');
    expect(out).toContain('alg="rsa-pss-sha512"');
  });

  it('explains itself in both languages', async () => {
    expect(await runInProcess(['--help'], { LANG: 'vi' })).toMatchObject({
      code: 0,
      out: expect.stringContaining('Cách dùng:'),
    });
    expect(await runInProcess(['--help'], { LANG: 'en_US.UTF-8' })).toMatchObject({
      code: 0,
      out: expect.stringContaining('Usage:'),
    });
    expect(await runInProcess(['--lang', 'vi', 'send', '--help'], { LANG: 'en' })).toMatchObject({
      out: expect.stringContaining('trích yếu'),
    });
  });
});
