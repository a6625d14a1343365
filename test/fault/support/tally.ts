/** Figures of a suite, printed at its end: a suite that injects nothing must not look like one that found nothing. */
import { tellFigure } from '../../support/figures.ts';

export class FaultTally {
  readonly #suite: string;
  readonly #counts = new Map<string, number>();

  constructor(suite: string) {
    this.#suite = suite;
  }

  add(what: string, count = 1): void {
    this.#counts.set(what, (this.#counts.get(what) ?? 0) + count);
  }

  get total(): number {
    return [...this.#counts.values()].reduce((sum, count) => sum + count, 0);
  }

  print(): void {
    const parts = [...this.#counts].map(([what, count]) => `${count} ${what}`);
    tellFigure(`${this.#suite}: ${parts.join(', ')}`);
  }
}

/**
 * How far apart the steps of a sweep lie: all of them with MAILFERRY_FULL_FAULTS=1, which takes minutes, the denser of two
 * samples in checks (CI=true), and the other one otherwise.
 */
export function strideOf({
  inChecks,
  otherwise,
}: Readonly<Record<'inChecks' | 'otherwise', number>>): number {
  if (process.env['MAILFERRY_FULL_FAULTS'] === '1') {
    return 1;
  }
  return process.env['CI'] === 'true' ? inChecks : otherwise;
}
