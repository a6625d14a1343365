/**
 * The contract of a SASL mechanism (RFC 4422, RFC 5034): what it says first, and what it answers to each challenge.
 * A mechanism sees octets; Base64 and the AUTH command are the caller's.
 */

export interface Credentials {
  readonly user: string;
  readonly password: string;
}

/** A password in the forms that it has on the wire: as it is, and in Base64 alone and as SASL PLAIN has it (RFC 4616 §2). */
export function secretsOf({ user, password }: Credentials): string[] {
  const plain = Buffer.from(`\0${user}\0${password}`, 'utf8').toString('base64');
  return [plain, Buffer.from(password, 'utf8').toString('base64'), password];
}

export interface SaslExchange {
  /** What it says without being asked, or undefined where the server speaks first. */
  readonly initialResponse: Buffer | undefined;
  /** The answer to a challenge. @throws MailferryError where the server asks for what the mechanism does not have. */
  respond(challenge: Buffer): Buffer;
  /** Whether all that has to be said was said: a +OK before it cannot mean that the login is done. */
  isComplete(): boolean;
}

export interface SaslMechanism {
  /** IANA's name. */
  readonly name: string;
  start(credentials: Credentials): SaslExchange;
}
