/**
 * Figures of the suites (kills, faults, seeds, times), told together at the end of a test run: in the middle of it nobody
 * reads them, and a suite that tried nothing must not look like one that found nothing. This file is vitest's global set-up.
 */
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { env, stdout } from 'node:process';

/** Where the processes of the test files leave their figures for the one that prints them. */
const VARIABLE = 'MAILFERRY_TEST_FIGURES';

/** Has `line` printed when all tests have ended; at once where no run collects figures. */
export function tellFigure(line: string): void {
  const file = env[VARIABLE];
  if (file === undefined) {
    stdout.write(`${line}\n`);
  } else {
    appendFileSync(file, `${line}\n`);
  }
}

/** @returns the tear-down. */
export default function collectFigures(): () => void {
  const folder = mkdtempSync(join(tmpdir(), 'mailferry-figures-'));
  const file = join(folder, 'figures');
  writeFileSync(file, '');
  env[VARIABLE] = file;
  return () => {
    const lines = readFileSync(file, 'utf8').split('\n').filter(Boolean).sort();
    rmSync(folder, { recursive: true });
    delete env[VARIABLE];
    if (lines.length > 0) {
      stdout.write(`\n Figures\n${lines.map((line) => `   ${line}\n`).join('')}\n`);
    }
  };
}
