/**
 * Cuts the octets that a client sends into command lines, however TCP cut them. It must not know what the lines mean.
 */

/** RFC 5034 §4: lines of a SASL exchange may be longer than the 255 octets of a command; 12,288 is RFC 4954's limit for them. */
export const LINE_LIMIT_OCTETS = 12_288;

export type InputLine =
  | { readonly kind: 'line'; readonly text: string }
  /** Ended by LF alone. The session refuses it: a lenient server would hide a client's mistake. */
  | { readonly kind: 'bare-lf' }
  /** More than the limit without a line end; nothing after it can be understood. */
  | { readonly kind: 'endless' };

const LF = 0x0a;
const CR = 0x0d;

export class CommandLines {
  #octets: Buffer = Buffer.alloc(0);
  #taken = 0;

  push(chunk: Buffer): void {
    const rest = this.#octets.subarray(this.#taken);
    this.#octets = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    this.#taken = 0;
  }

  /** The next line, or undefined where its end has not come yet. */
  take(): InputLine | undefined {
    const start = this.#taken;
    const end = this.#octets.indexOf(LF, start);
    if (end === -1) {
      return this.#octets.length - start > LINE_LIMIT_OCTETS ? { kind: 'endless' } : undefined;
    }
    this.#taken = end + 1;
    if (end === start || this.#octets[end - 1] !== CR) {
      return { kind: 'bare-lf' };
    }
    return { kind: 'line', text: this.#octets.toString('latin1', start, end - 1) };
  }

  /** Forgets what has come and was not taken: after STLS nothing of the clear text may be believed (RFC 2595 §4). */
  clear(): void {
    this.#octets = Buffer.alloc(0);
    this.#taken = 0;
  }
}
