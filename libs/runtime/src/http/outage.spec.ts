import { outageOf, unavailable } from './outage';

const coded = (code: string, message = 'x') => Object.assign(new Error(message), { code });

describe('outageOf', () => {
  it.each([
    ['pg: server shutting down', coded('57P01'), 'database'],
    ['pg: connection failure', coded('08006'), 'database'],
    ['pg: statement timeout', coded('57014'), 'database'],
    ['pg: too many connections', coded('53300'), 'database'],
    ['pg: lock timeout', coded('55P03'), 'database'],
    ['pg: deadlock', coded('40P01'), 'database'],
    ['pg: standby after failover', coded('25006'), 'database'],
    ['pg: connection lost', new Error('Connection terminated unexpectedly'), 'database'],
    ['pg pool: none free', new Error('timeout exceeded when trying to connect'), 'database'],
    ['typeorm around pg', { name: 'QueryFailedError', message: 'x', driverError: coded('57P03') }, 'database'],
    ['amqplib', new Error('Channel closed'), 'queue'],
    ['S3 5xx', { name: 'InternalError', $metadata: { httpStatusCode: 500 } }, 'storage'],
    ['S3 slow down', { name: 'SlowDown', $metadata: {} }, 'storage'],
    ['refused on every address', new AggregateError([coded('ECONNREFUSED'), coded('ECONNREFUSED')]), 'network'],
    ['fetch', new TypeError('fetch failed', { cause: coded('ECONNRESET') }), 'network'],
    ['DNS', coded('EAI_AGAIN'), 'network'],
  ])('sees an outage: %s', (_what, error, what) => {
    expect(outageOf(error)).toEqual({ code: 'unavailable', what });
  });

  it.each([
    ['database', coded('53100')],
    ['storage', coded('ENOSPC')],
    ['storage', { name: 'XMinioStorageFull', $metadata: { httpStatusCode: 507 } }],
  ])('sees a full disk under the %s', (what, error) => {
    expect(outageOf(error)).toEqual({ code: 'storage_full', what });
  });

  it.each([
    ['a broken rule of a table', coded('23505')],
    ['a syntax error in SQL', coded('42601')],
    ['a missing object', { name: 'NoSuchKey', $metadata: { httpStatusCode: 404 } }],
    ['an error of ours', new TypeError('x is not a function')],
    ['a missing file', coded('ENOENT')],
    ['nothing', undefined],
  ])('does not take %s for an outage', (_what, error) => {
    expect(outageOf(error)).toBeUndefined();
  });

  it('does not run in circles when an error is its own cause', () => {
    const error = new Error('x');
    error.cause = error;
    expect(outageOf(error)).toBeUndefined();
  });

  it('spreads the times to come back over 2 to 10 s', () => {
    const times = new Set(
      Array.from({ length: 200 }, () => unavailable({ code: 'unavailable', what: 'queue' }).params.retryAfter),
    );
    expect(Math.min(...[...times].map(Number))).toBeGreaterThanOrEqual(2);
    expect(Math.max(...[...times].map(Number))).toBeLessThanOrEqual(10);
    expect(times.size).toBeGreaterThan(3);
  });
});
