/** What was measured, raw: tables and plots are drawn from nothing else, so they can be drawn again. Must stay plain data. */

/** One run of one contender. */
export interface Measurement {
  readonly contender: string;
  readonly wallSeconds: number;
  /** User and system time of the client. */
  readonly cpuSeconds: number;
  readonly serverCpuSeconds: number;
  /** Of its largest process; not there where it ran inside the bench. */
  readonly peakMegabytes?: number;
  /** `yes`, or what is missing; not there where nothing was to be stored. */
  readonly completeness?: string;
}

export interface Failure {
  readonly contender: string;
  readonly reason: string;
}

export interface ScenarioResult {
  readonly scenario: string;
  readonly title: string;
  readonly checkout: string;
  /** 0 where not messages but the program itself is the matter. */
  readonly messages: number;
  readonly octets: number;
  /** One measurement a contender; speeds are compared within a round, since the machine changes between rounds. */
  readonly rounds: readonly (readonly Measurement[])[];
  readonly failures: readonly Failure[];
  /** What nobody can be faster than. */
  readonly idealSeconds?: number;
  readonly notes: readonly string[];
}

export type ScaleOf = 'accounts' | 'messages';

export interface ScalePoint {
  readonly series: 'first archive' | 'nothing new';
  /** How many accounts or messages. */
  readonly size: number;
  readonly wallSeconds: number;
  readonly cpuSeconds: number;
  readonly peakMegabytes: number;
  /** Of the state folder afterwards. */
  readonly ledgerOctets: number;
}

export interface ScaleResult {
  readonly scale: ScaleOf;
  readonly title: string;
  readonly checkout: string;
  /** Of each account, or 1. */
  readonly messagesPerUnit: number;
  readonly points: readonly ScalePoint[];
  readonly failures: readonly Failure[];
}

/** The whole of a file that `--json` writes and `--from` reads. */
export interface Results {
  readonly format: 1;
  /** What the figures were measured on, a line each. */
  readonly facts: readonly string[];
  /** What the stores stood on, all of them: other figures are not kept in the same file. Not there in older files. */
  readonly fileSystem?: string;
  readonly scenarios: readonly ScenarioResult[];
  readonly scales: readonly ScaleResult[];
}
