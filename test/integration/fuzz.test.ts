/** A minute of fuzzing, from the same seeds each time; hours of it: `npm run fuzz -- --minutes 120`. */
import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { describeFigures, fuzzInputs, fuzzJob, NO_FIGURES } from '../fuzz/campaign.ts';
import { completeBodies } from '../fuzz/complete-bodies.ts';
import { FOUND } from '../fuzz/found.ts';
import { tellFigure } from '../support/figures.ts';

/** Less than a minute on two quiet processors; a busy machine may take longer. */
const TIMEOUT_MS = 900_000;
const FIRST_SEED = 20_261_121;
const INPUTS = 10_000;
const JOBS = 30;

const digestOf = (text: string): string => createHash('sha256').update(text, 'latin1').digest('hex');

describe('octets of servers gone wrong', () => {
  it('make no parser throw anything but our own errors, read differently when cut, or complete what never came whole', () => {
    const figures = { ...NO_FIGURES };
    fuzzInputs(FIRST_SEED, INPUTS, figures);
    for (const { seed } of FOUND.filter(({ of }) => of === 'parsers')) {
      fuzzInputs(seed, INPUTS, figures);
    }
    tellFigure(describeFigures(figures));
  });

  it(
    'never crash or hang a job, fill the memory, or have stored what was not sent whole',
    async () => {
      const figures = { ...NO_FIGURES };
      const found = FOUND.filter(({ of }) => of === 'sessions').map(({ seed }) => seed);
      for (const seed of [...found, ...Array.from({ length: JOBS }, (_, index) => FIRST_SEED + index)]) {
        await fuzzJob(seed, figures);
      }
      tellFigure(describeFigures(figures));
      expect(figures.archived).toBeGreaterThan(JOBS);
    },
    TIMEOUT_MS,
  );
});

describe('the oracle', () => {
  it.each([
    ['+OK\r\na\r\n..b\r\n.\r\n', ['a\r\n.b\r\n']],
    ['+OK\r\na\n.\nb\r\n.\r\n', ['a\n.\nb\r\n']],
    ['+OK\r\n.a\r\n.\r\n', ['.a\r\n']],
    ['+OK\r\nnever ended\r\n', []],
    ['+OK\na\n.\n', ['a\n']],
    ['+OK\r\n.\r\n', ['']],
  ] as const)('reads %j as what is whole in it', (sent, bodies) => {
    expect([...completeBodies(Buffer.from(sent, 'latin1'))]).toEqual(bodies.map(digestOf));
  });
});
