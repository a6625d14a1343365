/**
 * When a message came to its mailbox, as far as its header tells: for age rules, names and From_ lines.
 */
import { headerBlock } from './header-block.ts';
import { parseDate, parseReceivedDate } from './header-date.ts';
import { readFields } from './header-fields.ts';

/**
 * The date of the topmost Received field (what the last server wrote), else of the Date field (what the sender claims).
 * @param octets a message, its header, or an answer to TOP
 * @returns milliseconds since 1970 UTC; undefined where neither can be read. Never throws.
 */
export function messageDate(octets: Buffer): number | undefined {
  return blockDate(headerBlock(octets));
}

/** The same of a header block. */
export function blockDate(block: Buffer): number | undefined {
  return dateOf(readFields(block, ['received', 'date']));
}

/** The same from fields that were read already: `received` and `date`. */
export function dateOf(fields: ReadonlyMap<string, string>): number | undefined {
  const received = fields.get('received');
  const arrived = received === undefined ? undefined : parseReceivedDate(received);
  return arrived ?? parseDate(fields.get('date') ?? '');
}
