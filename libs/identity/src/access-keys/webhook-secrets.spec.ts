import { SecretBox } from './secret-box';
import { answerWebhookSecret, LocalWebhookSecrets, RemoteWebhookSecrets } from './webhook-secrets';

const owner = { webhookId: '0198f1c2-7d3e-7a10-8b8e-000000000001', systemId: 'H01.14/qlvb' };
const local = new LocalWebhookSecrets(new SecretBox(Buffer.alloc(32, 1)));

function remote() {
  const asked: object[] = [];
  const clock = { now: 0 };
  const ask = async <T>(_path: string, question: object, read: (answer: unknown) => T | undefined): Promise<T> => {
    asked.push(question);
    return read(JSON.parse(JSON.stringify(await answerWebhookSecret(local, question))))!;
  };
  return { asked, clock, secrets: new RemoteWebhookSecrets({ ask }, () => clock.now) };
}

describe('The secret of a webhook', () => {
  it('has the form of Standard Webhooks, and is not in its box', async () => {
    const { secret, sealed } = await local.make(owner);
    expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{32}$/);
    expect(sealed.includes(Buffer.from(secret))).toBe(false);
    expect(await local.open(owner, sealed)).toBe(secret);
  });

  it('opens for its own webhook and system alone', async () => {
    const { sealed } = await local.make(owner);
    await expect(local.open({ ...owner, systemId: 'H01.15/qlvb' }, sealed)).rejects.toThrow();
    await expect(local.open({ ...owner, webhookId: 'another' }, sealed)).rejects.toThrow();
  });

  it('is told by auth to who has no master key, who asks again after five minutes', async () => {
    const { secrets, asked, clock } = remote();
    const { secret, sealed } = await secrets.make(owner);
    expect(await secrets.open(owner, sealed)).toBe(secret);
    expect(await secrets.open(owner, sealed)).toBe(secret);
    expect(asked).toHaveLength(2);
    clock.now = 300_000;
    expect(await secrets.open(owner, sealed)).toBe(secret);
    expect(asked).toHaveLength(3);
  });

  it('is not told for a question that names no webhook', async () => {
    await expect(answerWebhookSecret(local, { systemId: owner.systemId })).rejects.toMatchObject({
      code: 'malformed_request',
    });
  });
});
