/**
 * The program killed while it sets a message aside and keeps what arrived of it: the runs behind come to the same end, and
 * nothing is left that belongs to nobody.
 */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { DemoServer } from '../../src/demo/demo-server.ts';
import { stoppedAfter } from '../../src/demo/misbehaviour.ts';
import { someMessages } from '../support/job-bed.ts';
import { JobFolder, PASSWORD } from '../support/job-folder.ts';
import { inLanes } from '../support/lanes.ts';
import { Oracle } from '../support/oracle.ts';

/** Steps of a run that fails at one message; the second attempt finds what the first has left. */
const KILLS: readonly (readonly string[])[] = [
  ['quarantine.part-written:1'],
  ['quarantine.kept:1'],
  ['', 'quarantine.part-written:1'],
  ['', 'quarantine.kept:1'],
  ['quarantine.kept:1', 'quarantine.part-written:1', 'quarantine.kept:1'],
  ['batch.recorded:1', 'ledger.after-commit:6'],
  ['account.reconciled:2', 'ledger.before-commit:6'],
];

it('Q25, RFC-24: killed while it sets a message aside, keeps one part with its note, and archives it once it is well', async () => {
  await inLanes(KILLS, async (kills) => {
    await using folder = new JobFolder();
    const users = [{ name: 'alice', password: PASSWORD, messages: someMessages(4) }];
    await using server = new Served(await DemoServer.start({ users }));
    const oracle = new Oracle({ folder: folder.path, server: server.demo, accounts: ['alice'], sinks: 2 });
    server.demo.misbehaviour.on(oracle.watcher, stoppedAfter({ verb: 'RETR', message: 2 }, 30, 'fin'));
    const job = folder.writeJob(server.demo.port, { accounts: ['alice'], limits: { attempts: 2 } });
    const run = (failpoint: string, ...flags: string[]) =>
      folder.run(['run', '--json', ...flags, job], {
        env: { MAILFERRY_FAILPOINT: failpoint === '' ? '' : `kill@${failpoint}` },
      });
    const killed: (string | null)[] = [];
    for (const failpoint of kills) {
      killed.push((await run(failpoint)).signal);
      oracle.checkAlways();
    }
    expect({ kills, killed }).toEqual({ kills, killed: kills.map((at) => (at === '' ? null : 'SIGKILL')) });
    await run('');
    await run('');
    expect({ kills, states: oracle.states() }).toEqual({
      kills,
      states: { alice: { archived: 3, quarantined: 1 } },
    });
    expect(keptIn(folder).map((name) => name.slice(name.lastIndexOf('.')))).toEqual(['.json', '.part']);
    server.demo.misbehaviour.allOff();
    expect((await run('', '--retry', 'quarantined')).code).toBe(0);
    expect(keptIn(folder)).toEqual([]);
    oracle.checkSettled();
    expect({ kills, violations: oracle.violations }).toEqual({ kills, violations: [] });
  });
}, 240_000);

class Served implements AsyncDisposable {
  readonly demo: DemoServer;

  constructor(demo: DemoServer) {
    this.demo = demo;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.demo.close();
  }
}

function keptIn(folder: JobFolder): string[] {
  return readdirSync(join(folder.path, 'state', 'quarantine'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ name }) => name)
    .sort();
}
