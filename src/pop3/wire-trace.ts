/**
 * Seeing the conversation without its secrets: who traces gets lines that are already safe to show.
 */
export interface WireTrace {
  /** Nobody looks: lines need not be made. */
  readonly isQuiet?: true;
  /** A command, with stars for what is secret. */
  sent(line: string): void;
  /** A status line of the server. */
  received(line: string): void;
  /** What is no line: connection made, TLS agreed, so many octets of a body. */
  noted(text: string): void;
  /**
   * Secrets of a TLS session, a line of the key log format (SSLKEYLOGFILE): with them and a capture of the network all is
   * readable, passwords too. Only where somebody asked for them by name.
   */
  readonly keyLogged?: ((line: Buffer) => void) | undefined;
}

export const NO_TRACE: WireTrace = {
  isQuiet: true,
  sent: () => undefined,
  received: () => undefined,
  noted: () => undefined,
};
