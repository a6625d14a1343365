/**
 * The contract of a SASL mechanism (RFC 4422, RFC 5034): what it says first, and what it answers to each challenge.
 * A mechanism sees octets; Base64 and the AUTH command are the caller's.
 */
import type { ChannelBinding } from '../channel-binding.ts';
import type { SaslName } from './names.ts';

export interface Credentials {
  readonly user: string;
  /** A password; for the mechanisms of OAuth an access token. */
  readonly password: string;
  /** It is known to be an access token: it goes by a mechanism of OAuth, or not at all. */
  readonly isToken?: boolean;
  /** Whose maildrop is meant, where it is not the user's (RFC 4422 §3.4.1): an administrator opens somebody else's. */
  readonly authorizationId?: string | undefined;
}

/** A password in the forms that it has on the wire: as it is, and in Base64 alone and as SASL PLAIN has it (RFC 4616 §2). */
export function secretsOf({ user, password }: Credentials): string[] {
  const plain = Buffer.from(`\0${user}\0${password}`, 'utf8').toString('base64');
  return [plain, Buffer.from(password, 'utf8').toString('base64'), password];
}

/** What a mechanism may know of the line that it speaks on. */
export interface SaslLine {
  readonly host: string;
  readonly port: number;
  /** The name that the server proves itself by: `tls.serverName` of the job, else the host. */
  readonly serverName: string;
  /** What binds a proof to this TLS connection; undefined without TLS. */
  readonly channelBinding: ChannelBinding | undefined;
  /** Whether we have shown a certificate of our own. */
  readonly hasClientCertificate: boolean;
  /** Mechanisms that the server announces, in upper case. */
  readonly offered: readonly string[];
}

export interface SaslExchange {
  /**
   * What it says without being asked, or undefined where the server speaks first. A promise where somebody else has to be asked for
   * it; it rejects with a MailferryError, and nothing was sent then.
   */
  readonly initialResponse: Buffer | Promise<Buffer> | undefined;
  /** The answer to a challenge. @throws MailferryError where the server asks for what the mechanism does not have. */
  respond(challenge: Buffer): Buffer | Promise<Buffer>;
  /**
   * Whether all that has to be said was said, by the server too where it has to prove itself: a +OK before it cannot mean that
   * the login is done.
   */
  isComplete(): boolean;
  /** Why the server refuses, where it said so in a challenge: a phrase without secrets, to be read behind "the login was refused". */
  explanation?(): string | undefined;
}

export interface SaslMechanism {
  readonly name: SaslName;
  /** Which of the client's messages, from 0, is the first that holds or proves the secret: a refusal before it says nothing of it. */
  readonly secretAt: number;
  /** Whether it can say whose maildrop is meant. */
  readonly hasAuthorizationId?: boolean;
  /** Never said together with AUTH, since servers of the field do not take it there. */
  readonly isTwoStep?: boolean;
  /** What to do about a refusal, where it is not the password that may be wrong. */
  readonly hint?: string;
  /** @throws MailferryError `login-not-possible` where the credentials or the line do not suit; nothing was sent then. */
  start(credentials: Credentials, line: SaslLine): SaslExchange;
}
