import { networksOf } from './networks';

describe('Networks that webhooks may lie in', () => {
  it('are read as addresses and networks of both families', () => {
    expect(networksOf(['10.20.0.0/16', '127.0.0.1', 'fd00:1::/64', '::1'])).toEqual({
      4: ['10.20.0.0/16', '127.0.0.1/32'],
      6: ['fd00:1::/64', '::1/128'],
    });
  });

  it.each(['10.20.0.0/33', '10.20', 'mạng', '10.0.0.0/x', 'fd00::/129', ''])(
    'are refused as %j at the start',
    (text) => {
      expect(() => networksOf([text])).toThrow('WEBHOOK_ALLOWED_NETWORKS');
    },
  );
});
