/**
 * The one rule for line ends in files (design: "exact lines for each sink"): CRLF becomes LF where that is reversible,
 * else the octets stay as they are.
 */
import { createHash, hash } from 'node:crypto';
import { toCrlf } from '../message/line-ends.ts';
import type { Message } from '../message/message.ts';
import type { StoredForm } from './sink.ts';

export function storedFormOf({ lineEnds }: Pick<Message, 'lineEnds'>): StoredForm {
  return lineEnds.bareLf === 0 ? 'lf' : 'exact';
}

/** Octets of the message in that form, before any quoting. */
export function formOctets(message: Message): number {
  return storedFormOf(message) === 'lf' ? message.octets - message.lineEnds.crlf : message.octets;
}

/** SHA-256 of the wire form of stored octets that are whole. */
export function wireDigestOf(stored: Buffer, form: StoredForm): string {
  return hash('sha256', form === 'lf' ? toCrlf(stored) : stored, 'hex');
}

/** SHA-256 of the wire form, over chunks. */
export class WireDigest {
  readonly #hash = createHash('sha256');
  readonly #form: StoredForm;

  constructor(form: StoredForm) {
    this.#form = form;
  }

  push(stored: Buffer): void {
    this.#hash.update(this.#form === 'lf' ? toCrlf(stored) : stored);
  }

  end(): string {
    return this.#hash.digest('hex');
  }
}
