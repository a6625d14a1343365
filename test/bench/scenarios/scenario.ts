/** One table of the bench. A new one is a file in this folder and a line in all.ts. */
import type { Bed } from '../bed.ts';
import type { Contender } from '../contender.ts';
import type { Target } from '../report/target.ts';
import type { ScenarioResult } from '../result.ts';

export interface Scenario {
  /** For the command line and for files of results. */
  readonly name: string;
  readonly title: string;
  /** Those that the server must know. */
  readonly users: readonly string[];
  readonly measure: (bed: Bed) => Promise<Measured>;
}

export type Measured = Omit<ScenarioResult, 'scenario' | 'title' | 'checkout'>;

/** Numbers of the command line, instead of a scenario's own. */
export interface Amounts {
  readonly messages?: number | undefined;
  readonly accounts?: number | undefined;
}

/** What a table's last columns and the judgement of its scenario are made of; looked up by name, never kept with results. */
export interface Judgement {
  /** Whom mailferry's speed is told against: the fastest of these in each round. */
  readonly yardstick: readonly string[];
  readonly targets: readonly Target[];
}

/** The figures of slow peers are worth one run; what ratios are made of has all its turns. */
export function isOptional({ role, name }: Contender): boolean {
  return role === 'peer' && name !== 'mpop';
}
