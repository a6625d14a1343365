/**
 * The key of a message in a sink: the same after a crash as before it, different for every other message, and safe as part
 * of a file name whatever the account's id and the unique-id hold.
 */
import { hash } from 'node:crypto';
import type { StorableMessage } from './sink.ts';

/** Hex digits that all keys of one account begin with. */
const ACCOUNT_DIGITS = 8;
/** Hex digits of the rest: 96 bits, so that messages of one account do not meet by chance. */
const MESSAGE_DIGITS = 24;

export const KEY_DIGITS = ACCOUNT_DIGITS + MESSAGE_DIGITS;

/** The keys of one account's messages. */
export class MessageKeys {
  readonly #accountId: string;
  /** What tells the keys of one account from those of another in a folder that they share. */
  readonly prefix: string;

  constructor(accountId: string) {
    this.#accountId = accountId;
    this.prefix = digest([accountId], ACCOUNT_DIGITS);
  }

  of({ uidl, copy, message }: StorableMessage): string {
    return this.prefix + digest([this.#accountId, uidl, message.sha256, copy], MESSAGE_DIGITS);
  }
}

/** JSON keeps the parts apart and is well-formed for any string, lone surrogates included. */
function digest(parts: readonly (string | number)[], digits: number): string {
  return hash('sha256', JSON.stringify(parts), 'hex').slice(0, digits);
}
