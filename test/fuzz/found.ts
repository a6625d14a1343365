/** Seeds that once found something, with what it was: each is tried again with every run of the tests. */

export interface FoundSeed {
  readonly what: string;
  readonly of: 'parsers' | 'sessions';
  readonly seed: number;
}

export const FOUND: readonly FoundSeed[] = [];
