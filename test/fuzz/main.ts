/**
 * `npm run fuzz -- --minutes N [--seed S]`: seeds one after the other, parsers and sessions in turn, for as long as asked. What
 * is found is printed with its seed, and belongs into found.ts.
 */
import { inspect, parseArgs } from 'node:util';
import { describeFigures, fuzzInputs, fuzzJob, NO_FIGURES } from './campaign.ts';

/** So many inputs for the parsers go with one case of sessions: about as long. */
const INPUTS_PER_CASE = 500;

const { values } = parseArgs({
  options: { minutes: { type: 'string', default: '1' }, seed: { type: 'string' } },
});
const minutes = Number(values.minutes);
const firstSeed = Number(values.seed ?? Math.floor(Date.now() / 1000));
if (!(minutes > 0) || !Number.isSafeInteger(firstSeed)) {
  console.error('usage: npm run fuzz -- --minutes N [--seed S]');
  process.exit(2);
}

const figures = { ...NO_FIGURES };
process.on('unhandledRejection', (cause) => tell('nobody waited for', cause));
process.on('uncaughtException', (cause) => tell('nobody caught', cause));

function tell(what: string, cause: unknown): void {
  figures.findings += 1;
  process.exitCode = 1;
  console.error(`FOUND: ${what}\n${inspect(cause, { depth: 5 })}`);
}

console.error(`from seed ${firstSeed} for ${minutes} minutes`);
const end = Date.now() + minutes * 60_000;
for (let seed = firstSeed; Date.now() < end; seed += 1) {
  try {
    fuzzInputs(seed, INPUTS_PER_CASE, figures);
  } catch (cause) {
    tell(`parsers, seed ${seed}`, cause);
  }
  try {
    await fuzzJob(seed, figures);
  } catch (cause) {
    tell(`sessions, seed ${seed}`, cause);
  }
  if (figures.cases % 50 === 0) {
    console.error(describeFigures(figures));
  }
}
console.log(describeFigures(figures));
