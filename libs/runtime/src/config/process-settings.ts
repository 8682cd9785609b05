import { type ConfigOf, setting } from './setting';

/** The settings that every process has. */
export const processSettings = {
  PORT: setting.integer('Port of the public API', { default: 3000, min: 0, max: 65535 }),
  HOST: setting.text('Address to listen on', { default: '0.0.0.0' }),
  INTERNAL_PORT: setting.integer(
    'Port of readiness, metrics and internal routes; 0 puts readiness and metrics on PORT',
    {
      default: 0,
      min: 0,
      max: 65535,
    },
  ),
  PUBLIC_URL: setting.url('Address under which clients reach the platform', { default: 'http://localhost:3000' }),
  LOG_LEVEL: setting.choice(
    'Least important log line to write',
    ['silent', 'fatal', 'error', 'warn', 'info', 'debug', 'trace'],
    { default: 'info' },
  ),
  RATE_LIMIT_PER_MINUTE: setting.integer(
    'Requests a minute from one address, per instance, where one that is answered 401 counts as ten; 0 is no limit',
    {
      default: 6000,
      min: 0,
    },
  ),
  RATE_LIMIT_PER_KEY_PER_MINUTE: setting.integer(
    'Requests a minute signed with one access key or its sessions, per instance; 0 is no limit',
    { default: 12_000, min: 0 },
  ),
  OVERLOAD_LAG_MS: setting.integer(
    'Delay of the event loop past which lists, searches and ordinary new packets are refused with 503, ms; all new packets from twice that',
    { default: 1000, min: 20, max: 10_000 },
  ),
  OVERLOAD_TARGET_MS: setting.integer(
    'New packets are taken as long as nine in ten are answered within this many ms; more are refused with 503',
    { default: 1000, min: 50, max: 30_000 },
  ),
  TRUST_PROXY: setting.list(
    'Proxies whose X-Forwarded-For is believed: addresses, subnets, loopback, uniquelocal, or the number of hops',
    { default: [] },
  ),
};

export type ProcessConfig = ConfigOf<typeof processSettings>;
