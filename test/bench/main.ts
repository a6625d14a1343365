/** Measures mailferry beside other programs against a real Dovecot, and tells the figures; `--help` says how. */
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Bed } from './bed.ts';
import { chooseContenders } from './choose-contenders.ts';
import { describeCheckout, describeMachine } from './facts.ts';
import { chooseGround } from './ground/choose-ground.ts';
import { COMPLETE } from './mail/completeness.ts';
import { type BenchOptions, parseOptions } from './options.ts';
import { plotsOf } from './plot/all.ts';
import { openProgress, type Progress } from './progress.ts';
import { PROJECT } from './project.ts';
import { resultsText, withGenerated } from './report/document.ts';
import { scaleSection } from './report/scale-section.ts';
import { scenarioSection } from './report/scenario-section.ts';
import { targetTable } from './report/target-table.ts';
import type { Results, ScaleResult, ScenarioResult } from './result.ts';
import { keepResults, NO_RESULTS, readResults, requireSameFileSystem } from './result-file.ts';
import { measureScale } from './scale/scale.ts';
import { SUBJECT } from './scenarios/names.ts';
import type { Scenario } from './scenarios/scenario.ts';
import { USAGE } from './usage.ts';

const DOCS = join(PROJECT, 'docs');

async function main(): Promise<void> {
  const options = parseOptions(process.argv.slice(2));
  if (options === undefined) {
    process.stdout.write(USAGE);
    return;
  }
  if (options.fromPath === undefined) await measureAndTell(options, openProgress());
  else tell(readResults(options.fromPath), options);
}

async function measureAndTell(options: BenchOptions, progress: Progress): Promise<void> {
  const { contenders, advice } = chooseContenders(options.contenders);
  if (advice !== undefined) progress(advice);
  const { ground, advice: groundAdvice } = chooseGround(options.fileSystem, makeFolder());
  if (groundAdvice !== undefined) progress(groundAdvice);
  const fileSystem = ground.description;
  if (options.resultPath !== undefined) requireSameFileSystem(options.resultPath, fileSystem);
  const facts = describeMachine(contenders, fileSystem);
  print(`## mailferry bench\n\n${facts.map((fact) => `- ${fact}`).join('\n')}\n`);
  const { scenarios, scales, rounds, patienceSeconds } = options;
  const users = [...new Set([...scenarios, ...scales].flatMap((part) => part.users))];
  await using bed = new Bed({ ground, contenders, rounds, patienceSeconds, progress, users });
  const results = await measureAll(options, bed, (fresh) => {
    if (options.resultPath === undefined) return;
    keepResults(options.resultPath, { ...NO_RESULTS, facts, fileSystem, ...fresh });
  });
  const targets = targetTable(results.scenarios);
  if (targets !== undefined) print(`### To reach\n\n${targets}\n`);
  if (!results.scenarios.every(isSound) || results.scales.some(({ failures }) => failures.length > 0))
    process.exitCode = 1;
  if (options.writesDocument) write({ ...results, facts, fileSystem });
}

/** Prints and keeps each part as soon as it is measured: a run of an hour may be broken off. */
async function measureAll(
  options: BenchOptions,
  bed: Bed,
  keep: (fresh: Partial<Results>) => void,
): Promise<Results> {
  const checkout = describeCheckout();
  const scenarios: ScenarioResult[] = [];
  const scales: ScaleResult[] = [];
  for (const scenario of options.scenarios) {
    const result = { ...(await measureScenario(scenario, bed)), checkout };
    print(`${scenarioSection(result)}\n`);
    keep({ scenarios: [result] });
    scenarios.push(result);
  }
  for (const scale of options.scales) {
    const result = { ...(await measureScale(scale, bed)), checkout };
    print(`${scaleSection(result)}\n`);
    keep({ scales: [result] });
    scales.push(result);
  }
  return { ...NO_RESULTS, scenarios, scales };
}

/** One that cannot be measured at all is told as well, and the others go on. */
async function measureScenario(
  { name, title, measure }: Scenario,
  bed: Bed,
): Promise<Omit<ScenarioResult, 'checkout'>> {
  try {
    return { scenario: name, title, ...(await measure(bed)) };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    bed.options.progress(`${name}: FAILED: ${reason}`);
    const failures = [{ contender: SUBJECT, reason: `not measured: ${reason}` }];
    return { scenario: name, title, messages: 0, octets: 0, rounds: [], failures, notes: [] };
  }
}

function tell(results: Results, options: BenchOptions): void {
  print(resultsText(results));
  if (options.writesDocument) write(results);
}

function write(results: Results): void {
  const plots = plotsOf(results);
  for (const { name, svg } of plots) writeFileSync(join(DOCS, name), svg);
  const path = join(DOCS, 'performance.md');
  writeFileSync(path, withGenerated(readFileSync(path, 'utf8'), resultsText(results, plots)));
}

/** Whatever peers do, mailferry must have stored everything. */
function isSound({ rounds, failures }: ScenarioResult): boolean {
  const own = rounds.flat().filter(({ contender }) => contender.startsWith(SUBJECT));
  const isComplete = own.every(({ completeness = COMPLETE }) => completeness === COMPLETE);
  return isComplete && !failures.some(({ contender }) => contender.startsWith(SUBJECT));
}

/** Below TMPDIR; removed when the bench ends. */
function makeFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'mailferry-bench-'));
  // getmail6, called by root, delivers as nobody, who must be able to reach its target.
  chmodSync(folder, 0o755);
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  // Through exit(), so that this and the handlers of servers, runs and mounts clean up; a second signal does not break that off.
  process.on('SIGHUP', () => process.exit(129));
  process.on('SIGINT', () => process.exit(130));
  process.on('SIGTERM', () => process.exit(143));
  return folder;
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

try {
  await main();
} catch (error) {
  process.stderr.write(`bench: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
