import { seal, secretContext } from '@lienthong/persistence';
import { masterKeyMark, SecretBox, WrongMasterKeyError } from './secret-box';

const [former, next] = [Buffer.alloc(32, 1), Buffer.alloc(32, 2)];
const owner = { accessKey: 'AK1', systemId: 'H01.14/qlvb' };

describe('SecretBox', () => {
  it('opens what it sealed, and tells by its first bytes which master key that was', () => {
    const box = new SecretBox(former);
    const sealed = box.seal(owner, 'secret');
    expect(box.open(owner, sealed)).toBe('secret');
    expect(sealed.subarray(0, 9)).toEqual(masterKeyMark(former));
    expect(sealed.includes(Buffer.from('secret'))).toBe(false);
    expect(box.seal(owner, 'secret')).not.toEqual(sealed);
  });

  it('does not open a secret that was moved to another key or system, nor one with a flipped bit', () => {
    const box = new SecretBox(former);
    const sealed = box.seal(owner, 'secret');
    expect(() => box.open({ ...owner, accessKey: 'AK2' }, sealed)).toThrow();
    expect(() => box.open({ ...owner, systemId: null }, sealed)).toThrow();
    for (let at = 9; at < sealed.length; at++) {
      const flipped = Buffer.from(sealed);
      flipped[at] ^= 1;
      expect(() => box.open(owner, flipped)).toThrow();
    }
  });

  it('opens, beside its own, what was sealed under the other master keys that it was given', () => {
    const sealed = new SecretBox(former).seal(owner, 'secret');
    expect(new SecretBox(next, [former]).open(owner, sealed)).toBe('secret');
    expect(() => new SecretBox(next).open(owner, sealed)).toThrow(WrongMasterKeyError);
  });

  it('rewraps a secret, which then needs the former master key no more', () => {
    const sealed = new SecretBox(former).seal(owner, 'secret');
    const rewrapped = new SecretBox(next, [former]).rewrap(owner, sealed);
    expect(new SecretBox(next).open(owner, rewrapped)).toBe('secret');
    expect(() => new SecretBox(former).open(owner, rewrapped)).toThrow(WrongMasterKeyError);
  });

  it('opens and rewraps what the first release sealed without an envelope', () => {
    const sealed = seal(former, Buffer.from('secret'), secretContext(owner.accessKey, owner.systemId));
    expect(new SecretBox(next, [former]).open(owner, sealed)).toBe('secret');
    const rewrapped = new SecretBox(next, [former]).rewrap(owner, sealed);
    expect(new SecretBox(next).open(owner, rewrapped)).toBe('secret');
    expect(() => new SecretBox(next).open(owner, sealed)).toThrow(WrongMasterKeyError);
  });
});
