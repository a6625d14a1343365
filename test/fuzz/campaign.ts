/** Fuzzing seed by seed, with the figures of what was tried. What throws was found. */
import { Dice } from './dice.ts';
import { fuzzParsers } from './parsers.ts';
import { fuzzSessions } from './sessions.ts';

export interface FuzzFigures {
  /** To parsers. */
  inputs: number;
  inputOctets: number;
  /** Jobs of several accounts, three runs each. */
  cases: number;
  sessions: number;
  /** Sent by spoilt servers. */
  octets: number;
  archived: number;
  peakOctets: number;
  findings: number;
}

export const NO_FIGURES: FuzzFigures = {
  inputs: 0,
  inputOctets: 0,
  cases: 0,
  sessions: 0,
  octets: 0,
  archived: 0,
  peakOctets: 0,
  findings: 0,
};

/** So many inputs to the parsers from one seed. */
export function fuzzInputs(seed: number, inputs: number, figures: FuzzFigures): void {
  const dice = new Dice(seed);
  for (let input = 0; input < inputs; input += 1) {
    figures.inputs += 1;
    figures.inputOctets += fuzzParsers(dice);
  }
}

/** One job against spoilt servers. */
export async function fuzzJob(seed: number, figures: FuzzFigures): Promise<void> {
  figures.cases += 1;
  const { sessions, octets, archived, peakOctets } = await fuzzSessions(seed);
  figures.sessions += sessions;
  figures.octets += octets;
  figures.archived += archived;
  figures.peakOctets = Math.max(figures.peakOctets, peakOctets);
}

export function describeFigures(figures: FuzzFigures): string {
  const { inputs, inputOctets, cases, sessions, octets, archived, peakOctets, findings } = figures;
  return (
    `fuzzing: ${inputs} inputs to parsers (${megabytes(inputOctets)}), ${cases} jobs, ${sessions} sessions ` +
    `(${megabytes(octets)} sent), ${archived} messages stored, at most ${megabytes(peakOctets)} held in a flood, ${findings} findings`
  );
}

function megabytes(octets: number): string {
  return `${(octets / 1_000_000).toFixed(1)} MB`;
}
