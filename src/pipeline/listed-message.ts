/** One message as a session's listing shows it. Its number is valid in that session only; the unique-id is a hint (RFC 1939 §4, §7). */
export interface ListedMessage {
  readonly number: number;
  /** As the server gave it, one character per octet; empty where it gave none. */
  readonly uidl: string;
  /** Size by LIST: advice. Null where LIST did not say. */
  readonly listedOctets: number | null;
}
