import { createTransport, type Transporter } from 'nodemailer';

export interface Letter {
  messageId: string;
  to: { address: string; name: string };
  subject: string;
  text: string;
}

/** What the server said, or that there was none; never in the words of the server, which may quote an address. */
export class MailRefused extends Error {
  constructor(
    readonly code: string | undefined,
    /** Of SMTP (RFC 5321 4.2); undefined when no server answered. */
    readonly responseCode: number | undefined,
  ) {
    super('The e-mail was not taken.');
  }

  /** This e-mail will not be taken later either. A wrong password is the platform's fault, not the e-mail's. */
  get isFinal(): boolean {
    return (this.code === 'EENVELOPE' || this.code === 'EMESSAGE') && (this.responseCode ?? 0) >= 500;
  }
}

const TIMEOUTS = { connectionTimeout: 10_000, greetingTimeout: 10_000, socketTimeout: 60_000, dnsTimeout: 10_000 };

/** The way to the mail server, if one is set. */
export class Mailer {
  private readonly transport?: Transporter;

  /** @param smtp `url`: smtp:// or smtps://; `from`: what the e-mails come from */
  constructor(smtp?: { url: string; from: string }) {
    if (!smtp) return;
    const { url, from } = smtp;
    // Nothing that an e-mail is made of may name a file or an address to read.
    this.transport = createTransport({ url, ...TIMEOUTS, disableFileAccess: true, disableUrlAccess: true }, { from });
  }

  get isConfigured(): boolean {
    return this.transport !== undefined;
  }

  /** @throws MailRefused */
  async send(letter: Letter): Promise<void> {
    const headers = { 'Auto-Submitted': 'auto-generated', 'X-Auto-Response-Suppress': 'All' };
    try {
      await this.transport!.sendMail({ ...letter, headers });
    } catch (error) {
      const { code, responseCode } = error as { code?: string; responseCode?: number };
      throw new MailRefused(code, responseCode);
    }
  }
}
