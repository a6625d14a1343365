/** Plays every transcript below `transcripts/`: whole, byte by byte, and at random cuts. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { drive } from './drive.ts';
import { type Cut, playServer } from './scripted-server.ts';
import { parseTranscript } from './transcript.ts';

const FOLDER = join(import.meta.dirname, 'transcripts');
const RANDOM_RUNS = 5;

/** A small generator with a seed, so that a failure can be played again. */
function randomCut(seed: number): Cut {
  let state = seed;
  return (left) => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return 1 + (state % Math.min(left, 17));
  };
}

const CUTS: ReadonlyArray<readonly [string, Cut]> = [
  ['whole', (left) => left],
  ['byte by byte', () => 1],
  ...Array.from(
    { length: RANDOM_RUNS },
    (_, i) => [`at random cuts, seed ${i + 1}`, randomCut(i + 1)] as const,
  ),
];

const files = readdirSync(FOLDER, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.txt'))
  .sort();

for (const file of files) {
  const transcript = parseTranscript(file, readFileSync(join(FOLDER, file), 'utf8'));
  describe(`${file.replace(/\.txt$/, '')} (${transcript.covers.join(', ')})`, () => {
    const cuts = transcript.settings.get('cuts') === 'whole' ? CUTS.slice(0, 1) : CUTS;
    it.each(cuts)('comes out as written, %s', async (_, cut) => {
      const server = await playServer(transcript.steps, cut);
      try {
        const outcome = await drive(server.port, transcript);
        await server.played;
        expect(outcome).toEqual(transcript.outcome);
      } finally {
        await server.close();
      }
    });
  });
}
