import { logUnit, logContext } from './http/request-log';
import { createLog, nestLogger } from './log';

describe('createLog', () => {
  const written: string[] = [];
  const log = createLog({ name: 'auth', level: 'debug' }, { write: (line) => void written.push(line) });
  const last = () => JSON.parse(written.at(-1) ?? '{}') as Record<string, unknown>;

  it('writes one JSON line with the app, the level and the time', () => {
    log.info({ packetId: 'p' }, 'packet received');
    expect(last()).toEqual({
      level: 'info',
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
      app: 'auth',
      packetId: 'p',
      event: 'packet received',
    });
  });

  it('never writes signatures, secrets and tokens, at whatever depth up to the third', () => {
    log.info({ signature: 'canary', key: { secretKey: 'canary' }, a: { headers: { authorization: 'canary' } } }, 'x');
    expect(written.at(-1)).not.toContain('canary');
  });

  it.each([
    'GET http://127.0.0.1:9000/content/p1/part?X-Amz-Signature=canary&X-Amz-Expires=900 failed',
    'connect postgres://app:canary@db:5432/x',
    'see "https://s3.example/x?sig=canary"',
  ])('cuts query strings and passwords out of texts that are not ours: %s', (text) => {
    log.error({ err: new Error(text), note: text }, text);
    expect(written.at(-1)).not.toContain('canary');
    expect(last()).toMatchObject({ level: 'error', err: { type: 'Error' } });
  });

  it('names an error and its cause, without the statement, the parameters and the row that database errors carry', () => {
    const cause = Object.assign(new Error('duplicate key'), { code: '23505', detail: 'canary' });
    const error = Object.assign(new Error('failed', { cause }), { query: 'canary', parameters: ['canary'] });
    log.error({ err: error }, 'x');
    expect(written.at(-1)).not.toContain('canary');
    expect(last().err).toMatchObject({
      type: 'Error',
      message: 'failed',
      stack: expect.stringContaining('log.spec'),
      cause: { code: '23505', message: 'duplicate key' },
    });
  });

  it('stays one line whatever is written', () => {
    log.info({ title: 'a\r\nb\u001b[31m' }, 'first\r\nsecond');
    const line = written.at(-1) ?? '';
    expect(line.indexOf('\n')).toBe(line.length - 1);
    expect(line).not.toContain('\r');
    expect(line).not.toContain('\u001b');
  });

  it('writes nothing at the level silent', () => {
    const lines: string[] = [];
    createLog({ name: 'x', level: 'silent' }, { write: (line) => void lines.push(line) }).fatal({}, 'x');
    expect(lines).toEqual([]);
  });

  it("keeps Nest's own chatter at debug and its errors at error", () => {
    const nest = nestLogger(log);
    nest.log('mapped', 'Router');
    expect(last()).toMatchObject({ level: 'debug', nest: 'Router', event: 'mapped' });
    nest.error('boom', 'the stack', 'Injector');
    expect(last()).toMatchObject({ level: 'error', nest: 'Injector', stack: 'the stack', event: 'boom' });
  });

  it('writes one line for a unit of work, with what was added on the way', async () => {
    await logUnit(log, 'purge-content', { packetId: 'p' }, async () => logContext().add({ objects: 3 }));
    expect(last()).toMatchObject({
      level: 'info',
      event: 'purge-content done',
      step: 'purge-content',
      packetId: 'p',
      objects: 3,
      durationMs: expect.any(Number),
    });
    const failing = logUnit(log, 'purge-content', {}, async () => {
      throw new Error('no store');
    });
    await expect(failing).rejects.toThrow('no store');
    expect(last()).toMatchObject({ level: 'error', event: 'purge-content failed', err: { message: 'no store' } });
  });
});
