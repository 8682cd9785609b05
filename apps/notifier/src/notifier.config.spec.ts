import { readConfig } from '@lienthong/runtime';
import { notifierOptionsOf, notifierSettings } from './notifier.config';

const BASE = {
  DATABASE_URL: 'postgres://localhost/lienthong',
  PLATFORM_SECRET: 'x'.repeat(43),
  PUBLIC_URL: 'https://lienthong.example.vn',
};
const optionsOf = (settings: Record<string, string>) =>
  notifierOptionsOf(readConfig(notifierSettings, { ...BASE, ...settings }));

describe('the mail server of the notifier', () => {
  it('is none where nothing is set, and needs to know what reminders come from', () => {
    expect(optionsOf({})).not.toHaveProperty('smtp');
    const set = { SMTP_URL: 'smtps://u:p@mail.example.vn', SMTP_FROM: 'Liên thông <a@example.vn>' };
    expect(optionsOf(set).smtp).toEqual({ url: set.SMTP_URL, from: set.SMTP_FROM });
    expect(() => optionsOf({ ...set, SMTP_FROM: '' })).toThrow('SMTP_FROM must be set with SMTP_URL');
    expect(() => optionsOf({ ...set, SMTP_URL: 'https://mail.example.vn' })).toThrow('smtp:// or smtps://');
  });
});
