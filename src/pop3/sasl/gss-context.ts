/**
 * The contract of a security context (RFC 2743 §2.2), as its initiator needs it for SASL GSSAPI. Must not know SASL or POP3, nor who
 * implements it.
 */
export interface GssContext {
  /** Whether both sides are proven: from then on `step` is over, and `unwrap` and `wrap` begin. */
  readonly isEstablished: boolean;
  /**
   * @param token the acceptor's; empty at the first call alone
   * @returns the initiator's, empty where it has none. @throws MailferryError where there is no ticket or the acceptor is not proven.
   */
  step(token: Buffer): Promise<Buffer>;
  /** @returns the message, which is intact and the acceptor's. @throws MailferryError where it is not, or has none. */
  unwrap(token: Buffer): Promise<Buffer>;
  /** Protects a message against changes; it is not encrypted. */
  wrap(message: Buffer): Promise<Buffer>;
}

/** @param host name of the server: the service is `pop@host` (RFC 5034 §4). @throws MailferryError */
export type OpenGssContext = (host: string) => Promise<GssContext>;
