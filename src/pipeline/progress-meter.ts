/**
 * Turns octets as they come into a few events a second: a bar needs no more, and the hot path can afford no more.
 */
import type { SurveyContext } from './context.ts';

const LEAST_MS = 200;
/** The clock is asked once per so many octets. */
const LEAST_OCTETS = 256 * 1024;

export class ProgressMeter {
  readonly #account: string;
  readonly #context: Pick<SurveyContext, 'emit' | 'now'>;
  #messages = 0;
  #octets = 0;
  #octetsAtLastLook = 0;
  #toldAt = 0;

  constructor(account: string, context: Pick<SurveyContext, 'emit' | 'now'>) {
    this.#account = account;
    this.#context = context;
  }

  add(messages: number, octets: number): void {
    this.#messages += messages;
    this.#octets += octets;
    if (this.#octets - this.#octetsAtLastLook < LEAST_OCTETS && messages === 0) {
      return;
    }
    this.#octetsAtLastLook = this.#octets;
    const now = this.#context.now();
    if (now - this.#toldAt >= LEAST_MS) {
      this.#toldAt = now;
      this.#context.emit({
        type: 'account.progressed',
        account: this.#account,
        messages: this.#messages,
        octets: this.#octets,
      });
    }
  }
}
