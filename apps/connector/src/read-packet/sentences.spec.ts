import { PACKET_ACTIONS, STUCK_REASONS } from '@lienthong/contracts';
import { sentenceOf, stuckSentence } from './sentences';

const at = new Date('2026-11-20T01:02:00Z');

describe('the sentences of a timeline', () => {
  it('are in both languages for everything that can happen to a packet, with the time of Vietnam', () => {
    for (const action of PACKET_ACTIONS) {
      const { vi, en } = sentenceOf(action, at, 'H01.20', { code: '03', reasonCode: 'never_online' });
      expect(vi).toMatch(/^\p{Lu}.* lúc 08:02 ngày 20\/11\/2026\.$/u);
      expect(en).toMatch(/ at 08:02 on 20\/11\/2026\.$/);
      expect(vi + en).not.toMatch(/[{}]|undefined|packet\.|delivery\./);
    }
    expect(sentenceOf('delivery.announced', at, 'H01.20').vi).toBe(
      'Đã thông báo cho H01.20 lúc 08:02 ngày 20/11/2026.',
    );
    expect(sentenceOf('delivery.undeliverable', at, 'H01.20', { reasonCode: 'never_online' }).vi).toContain(
      'chưa lần nào kết nối',
    );
  });

  it('say of what hangs what the source can do', () => {
    for (const reason of STUCK_REASONS) {
      const { vi, en } = stuckSentence(reason, 'H01.20', at, true);
      expect(vi).toMatch(/\.$/);
      expect(vi + en).not.toMatch(/null|undefined/);
    }
    expect(stuckSentence('not_fetched', 'H01.20', at, false).vi).toBe(
      'H01.20 đã được báo nhưng chưa tải về, hiện không kết nối; hết hạn lúc 08:02 20/11/2026. Hãy liên hệ nơi nhận.',
    );
  });
});
