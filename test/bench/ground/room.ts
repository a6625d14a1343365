/** How much is going to be stored, and how large a file system must be for it. Pure. */
import type { Store } from '../contender.ts';

export interface Room {
  readonly store: Store;
  readonly messages: number;
  readonly octets: number;
}

const MEBIBYTE = 2 ** 20;
/** From here to 16 GiB mkfs.ext4 makes a journal of the same size (64 MiB) and blocks of 4 KiB, so that figures can be compared. */
const SMALLEST_MEBIBYTES = 2048;
/** mkfs.ext4 makes an inode for every 16 KiB. */
const OCTETS_PER_FILE = 16_384;
/** Ten times what the ledger takes, with what it writes twice. */
const OCTETS_PER_ROW = 2048;
/** Ends of blocks, `From ` lines, and state: all mail could be stored twice. */
const COPIES = 2;

/** For all of these together. */
export function roomFor(
  mail: readonly { readonly messages: number; readonly octets: number }[],
  store: Store,
): Room {
  const sum = (values: readonly number[]): number => values.reduce((all, value) => all + value, 0);
  return {
    store,
    messages: sum(mail.map(({ messages }) => messages)),
    octets: sum(mail.map(({ octets }) => octets)),
  };
}

/** Whole MiB. */
export function imageMebibytesFor({ store, messages, octets }: Room): number {
  const each = OCTETS_PER_ROW + (store === 'maildir' ? OCTETS_PER_FILE : 0);
  return SMALLEST_MEBIBYTES + Math.ceil((COPIES * octets + messages * each) / MEBIBYTE);
}
