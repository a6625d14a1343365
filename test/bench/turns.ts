/** Rounds in which each contestant has its turn once, A B C, A B C: what the machine does meanwhile meets all of them. */
import type { Failure, Measurement } from './result.ts';

export interface Contestant {
  readonly name: string;
  /** Left out of later rounds once it has taken longer than the patience; false for those that the ratios are made of. */
  readonly isOptional: boolean;
  /** Throws where the run fails. */
  readonly measure: () => Promise<Omit<Measurement, 'contender'>>;
}

export interface TurnOptions {
  readonly rounds: number;
  /** How long an optional contestant may have taken in all rounds together to have another turn. */
  readonly patienceSeconds: number;
  /** Told before each turn. */
  readonly onTurn: (text: string) => void;
}

export interface Turns {
  readonly rounds: readonly (readonly Measurement[])[];
  readonly failures: readonly Failure[];
}

/** One that fails is noted and tries again in the next round: some fail by chance. The others go on. */
export async function takeTurns(contestants: readonly Contestant[], options: TurnOptions): Promise<Turns> {
  const rounds: Measurement[][] = [];
  const failures: Failure[] = [];
  const spentSeconds = new Map<Contestant, number>();
  for (let number = 1; number <= options.rounds; number++) {
    const round: Measurement[] = [];
    for (const contestant of contestants) {
      const { name, isOptional } = contestant;
      const spent = spentSeconds.get(contestant) ?? 0;
      if (isOptional && spent > options.patienceSeconds) continue;
      options.onTurn(`round ${number} of ${options.rounds}, ${name}`);
      try {
        const measured = await contestant.measure();
        spentSeconds.set(contestant, spent + measured.wallSeconds);
        round.push({ contender: name, ...measured });
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        options.onTurn(`FAILED: ${reason}`);
        failures.push({ contender: name, reason });
      }
    }
    rounds.push(round);
  }
  return { rounds, failures };
}
