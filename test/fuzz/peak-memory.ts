/** What the process really holds: looked at after a collection, which Node gives only to those who ask for it. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

export class PeakMemory {
  #peakOctets = 0;
  readonly #before: number;

  constructor() {
    this.#before = heldOctets();
  }

  /** The most that was held at any look, beyond what was held at the beginning. */
  get peakOctets(): number {
    return this.#peakOctets;
  }

  look(): void {
    this.#peakOctets = Math.max(this.#peakOctets, heldOctets() - this.#before);
  }
}

function heldOctets(): number {
  setFlagsFromString('--expose-gc');
  const collect: () => void = runInNewContext('gc');
  // Octets outside of the heap are given back by the collection after the one that finds them.
  collect();
  collect();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
