/**
 * Measures mailferry beside other programs against a real Dovecot. For each scenario: the mail is made from a seed and served;
 * then rounds, in which each contender fetches all of it once, one after the other; each result is checked by digest.
 */
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type Dovecot, startDovecot } from '../services/dovecot.ts';
import { describeDifference, digestOf } from './completeness.ts';
import type { Contender } from './contender.ts';
import { CONTENDERS } from './contenders/all.ts';
import { describeMachine } from './facts.ts';
import { makeMessages } from './mail.ts';
import { measure, versionOf } from './measure.ts';
import { type BenchOptions, parseOptions, USAGE } from './options.ts';
import { benchS3 } from './s3.ts';
import type { Scenario } from './scenarios.ts';
import { type Amount, type Measurement, scenarioTable } from './table.ts';

const PASSWORD = 'bench-password';
const YARDSTICK = 'mpop';
/** Dovecot's session processes end, and are counted, a moment after the client has gone. */
const SERVER_SETTLES_MS = 300;

interface Maildrop extends Amount {
  readonly user: string;
  readonly digests: readonly string[];
}

async function main(): Promise<void> {
  const options = parseOptions(process.argv.slice(2));
  if (options === undefined) {
    process.stdout.write(USAGE);
    return;
  }
  const contenders = chooseContenders(options.contenders);
  const folder = mkdtempSync(join(tmpdir(), 'mailferry-bench-'));
  // getmail6, called by root, delivers as nobody, who must be able to reach the target.
  chmodSync(folder, 0o755);
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  // Through exit(), so that the handlers above and those of the server clean up.
  process.once('SIGINT', () => process.exit(130));
  process.once('SIGTERM', () => process.exit(143));
  print(`## mailferry bench\n\n${describeMachine(contenders, folder)}\n`);
  if (options.scenarios.length > 0) {
    await benchAll(options, contenders, folder);
  }
  if (options.s3Messages !== undefined) {
    print(`${await benchS3({ messages: options.s3Messages, rounds: options.runs, progress })}\n`);
  }
}

async function benchAll(
  options: BenchOptions,
  contenders: readonly Contender[],
  folder: string,
): Promise<void> {
  const users = options.scenarios.map((scenario) => ({ name: maildropOf(scenario), password: PASSWORD }));
  const dovecot = await startDovecot({ users });
  try {
    const maildrops = new Map<string, Maildrop>();
    for (const scenario of options.scenarios) {
      const name = maildropOf(scenario);
      const maildrop = maildrops.get(name) ?? (await fillMaildrop(dovecot, scenario));
      maildrops.set(name, maildrop);
      await benchScenario(dovecot, scenario, maildrop, contenders, options.runs, folder);
    }
  } finally {
    await dovecot.stop();
  }
}

async function benchScenario(
  dovecot: Dovecot,
  scenario: Scenario,
  maildrop: Maildrop,
  contenders: readonly Contender[],
  runs: number,
  folder: string,
): Promise<void> {
  const rounds: Measurement[][] = [];
  for (let run = 1; run <= runs; run++) {
    const round: Measurement[] = [];
    for (const contender of contenders) {
      progress(`${scenario.name} ${run}/${runs} ${contender.name}`);
      round.push(await runOnce(dovecot, scenario, maildrop, contender, folder));
    }
    rounds.push(round);
  }
  const yardstick = contenders.some((one) => one.name === YARDSTICK)
    ? YARDSTICK
    : (contenders[0]?.name ?? '');
  const megabytes = (maildrop.octets / 1e6).toFixed(0);
  print(`### ${scenario.title}: ${maildrop.messages} messages, ${megabytes} MB, ${runs} rounds\n`);
  print(`${scenarioTable(rounds, maildrop, yardstick)}\n`);
}

/** Throws when the contender fails or does not store every message: figures of an incomplete run are worth nothing. */
async function runOnce(
  dovecot: Dovecot,
  scenario: Scenario,
  maildrop: Maildrop,
  contender: Contender,
  parent: string,
): Promise<Measurement> {
  const folder = join(parent, 'run');
  mkdirSync(folder);
  const command = contender.prepare({
    folder,
    store: scenario.store,
    security: scenario.security,
    host: dovecot.host,
    port: scenario.security === 'tls' ? dovecot.tlsPort : dovecot.port,
    caPath: dovecot.caPath,
    user: maildrop.user,
    password: PASSWORD,
  });
  // What earlier runs left to be written must not be paid by this one.
  execFileSync('sync');
  const serverBefore = dovecot.cpuSeconds();
  const cost = await measure(contender, command, folder);
  await delay(SERVER_SETTLES_MS);
  const serverCpuSeconds = dovecot.cpuSeconds() - serverBefore;
  const difference = describeDifference(maildrop.digests, command.form ?? scenario.store, command.target);
  if (difference !== undefined) throw new Error(`${contender.name}, ${scenario.name}: ${difference}`);
  rmSync(folder, { recursive: true });
  return { ...cost, contender: contender.name, serverCpuSeconds };
}

async function fillMaildrop(dovecot: Dovecot, scenario: Scenario): Promise<Maildrop> {
  const user = maildropOf(scenario);
  progress(`making ${scenario.messages} messages for ${user}`);
  const digests: string[] = [];
  let octets = 0;
  function* noted(): Generator<Buffer> {
    for (const message of makeMessages(scenario.messages, scenario.sizes)) {
      digests.push(digestOf(message));
      octets += message.length;
      yield message;
    }
  }
  const messages = dovecot.deliver(user, noted());
  // The first look at a new Maildir assigns unique-ids; no contender shall pay for that.
  await dovecot.doveadm('mailbox', 'status', '-u', user, 'messages', 'INBOX');
  return { user, digests, messages, octets };
}

/** Scenarios of the same mail share one maildrop: every contender keeps the mail on the server. */
function maildropOf(scenario: Scenario): string {
  return scenario.sizes.kind === 'fixed' ? `fixed-${scenario.sizes.octets}` : scenario.sizes.kind;
}

function chooseContenders(names: readonly string[]): Contender[] {
  const chosen: Contender[] = [];
  for (const name of names) {
    const contender = CONTENDERS.get(name);
    if (contender === undefined)
      throw new Error(`no contender "${name}"; known: ${[...CONTENDERS.keys()].join(', ')}`);
    if (versionOf(contender.program, contender.versionArgs) === undefined) {
      throw new Error(`${contender.name} cannot be run: apt-get install ${contender.debianPackage}`);
    }
    chosen.push(contender);
  }
  return chosen;
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

function progress(text: string): void {
  process.stderr.write(`${text}\n`);
}

try {
  await main();
} catch (error) {
  process.stderr.write(`bench: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
