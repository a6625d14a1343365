/**
 * A message as the server sent it: complete, un-stuffed, its digest taken on the wire side, and nothing decoded.
 * It must not know where it came from nor where it goes.
 */
import type { PagedOctets } from './pages.ts';

/** Counts of line ends in the octets. CRLF may become LF, and back, only where `bareLf` is 0. */
export interface LineEnds {
  /** LFs that have their CR. */
  readonly crlf: number;
  /** LFs that have none. */
  readonly bareLf: number;
  /** Those of `crlf` that have one more CR before them: as LF they still look like CRLF. */
  readonly crCrlf: number;
}

/** Where the octets of a large message are: in pages of memory, or in a file. Both are its spool's to take back. */
export type LargeContent =
  | { readonly kind: 'pages'; readonly pages: PagedOctets }
  | { readonly kind: 'spool'; readonly path: string };

/** Where the octets are; those of a small message are whole in a Buffer of its own. */
export type MessageContent = { readonly kind: 'memory'; readonly buffer: Buffer } | LargeContent;

export interface Message {
  /** Length of the wire form after un-stuffing, without the terminator. */
  readonly octets: number;
  /** SHA-256 of the wire form after un-stuffing: 64 lower-case hex digits. */
  readonly sha256: string;
  /** Length of the header block (see header-block.ts): it begins with the first octet. */
  readonly headerOctets: number;
  /** SHA-256 of the header block (see header-block.ts), by which a message is recognised through TOP: 64 hex digits. */
  readonly headerSha256: string;
  readonly lineEnds: LineEnds;
  readonly content: MessageContent;
}
