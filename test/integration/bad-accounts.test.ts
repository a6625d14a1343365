/**
 * A hundred bad accounts among a thousand, at the head of the job where they do most harm: on hosts of their own, and on the hosts
 * of the good ones. The run comes to its end, the good ones are archived, each bad one is named with its reason.
 */
import { afterEach, beforeEach, expect, it } from 'vitest';
import { DemoServer, type DemoServerOptions, type DemoUser } from '../../src/demo/demo-server.ts';
import * as wrong from '../../src/demo/misbehaviour.ts';
import type { Misbehaviour } from '../../src/demo/misbehaviour-switch.ts';
import { maildirDigests, storedDigests } from '../support/archives.ts';
import { tellFigure } from '../support/figures.ts';
import { someMessages } from '../support/job-bed.ts';
import { JobFolder, PASSWORD } from '../support/job-folder.ts';

const DEADLINE_MS = 240_000;
const NOBODY = '127.0.0.9';

let folder: JobFolder;
const servers: DemoServer[] = [];

beforeEach(() => {
  folder = new JobFolder();
});

afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close()));
  await folder[Symbol.asyncDispose]();
});

const names = (what: string, count: number): string[] =>
  Array.from({ length: count }, (_, index) => `${what}${index}`);
const users = (ids: readonly string[], { password = PASSWORD, messages = 2 } = {}): DemoUser[] =>
  ids.map((name) => ({ name, password, messages: someMessages(messages, name) }));

/** Only those users whose names begin so: before the login by what USER says, after it by who is in. */
const by = (prefix: string, misbehaviour: Misbehaviour): Misbehaviour => ({
  ...misbehaviour,
  strikes: (occasion) =>
    misbehaviour.strikes(occasion) && (occasion.user ?? occasion.command.argument).startsWith(prefix),
});

async function start(options: DemoServerOptions): Promise<DemoServer> {
  // USER says before the login whose it is.
  const server = await DemoServer.start({ ...options, logins: ['user-pass'] });
  servers.push(server);
  return server;
}

/** A good host with its share of bad accounts: ten of each kind that a host can have. */
async function startMixed(address: string, label: string, good: number) {
  const of = (kind: string): string[] => names(`${kind}-${label}-`, 10);
  const bad = {
    silent: of('silent'),
    slow: of('slow'),
    garbage: of('garbage'),
    password: of('password'),
  };
  const fine = names(`good-${label}-`, good);
  const server = await start({
    address,
    users: [
      ...users([...fine, ...bad.silent, ...bad.garbage]),
      ...users(bad.slow, { messages: 1 }),
      ...users(bad.password, { password: 'another one' }),
    ],
    misbehaviour: [
      by('silent', wrong.silent({ verb: 'USER' })),
      by('slow', wrong.dripped({ verb: 'RETR' }, 1, 1_000)),
      by('garbage', wrong.malformedLine('UIDL', 1, '\xff\xfe what is this')),
    ],
  });
  const account = (user: string) => ({ id: user, user, host: address, port: server.port });
  return { server, bad, fine, account };
}

it('Q42, Q45, Q46, Q53: 100 bad accounts among 1,000: the run ends, the good 900 are archived, each bad one has its reason', async () => {
  const one = await startMixed('127.0.0.1', 'one', 500);
  const two = await startMixed('127.0.0.2', 'two', 400);
  const refusing = [
    ...names('refused-away-', 10).map((user) => ({ id: user, user, host: NOBODY, port: one.server.port })),
    // A closed port of a good host: nobody listens on the second server's port at the first one's address.
    ...names('refused-here-', 10).map((user) => ({ ...two.account(user), host: '127.0.0.1' })),
  ];
  const sides = [one, two];
  const bad = [
    ...refusing,
    ...sides.flatMap(({ bad: kinds, account }) => Object.values(kinds).flat().map(account)),
  ];
  const good = sides.flatMap(({ fine, account }) => fine.map(account));
  expect([bad.length, good.length]).toEqual([100, 900]);
  const job = folder.writeJob(one.server.port, {
    accounts: [...bad, ...good],
    sinks: [{ maildir: './maildir/{account}' }],
    limits: {
      ...{ accounts: 32, perHost: 16, patience: '3s', connectTimeout: '3s', greetingTimeout: '3s' },
      ...{ loginTimeout: '6s', timeout: '6s', firstOctetTimeout: '6s', sessionTimeout: '15s' },
    },
  });

  const startedAt = performance.now();
  const { code, stdout } = await folder.run(['run', job], { deadlineMs: DEADLINE_MS });
  tellFigure(`100 bad accounts among 1,000: ${((performance.now() - startedAt) / 1000).toFixed(1)} s`);
  expect(code).toBe(3);

  const missed = good.filter(({ id }) => {
    const digests = maildirDigests(folder.maildir(id));
    return JSON.stringify(digests) !== JSON.stringify(storedDigests(someMessages(2, id)));
  });
  expect(missed).toEqual([]);
  const reasonOf = (id: string): string | undefined =>
    new RegExp(`^ {2}${id}: .*\\[([a-z0-9-]+)\\]`, 'm').exec(stdout)?.[1];
  const reasons = (ids: readonly string[]): (string | undefined)[] => [...new Set(ids.map(reasonOf))].sort();
  expect(reasons(refusing.map(({ id }) => id))).toEqual(['connection-unreachable', 'host-given-up']);
  for (const { bad: kinds, server } of sides) {
    expect(reasons(kinds.silent)).toEqual(['connection-silent']);
    expect(reasons(kinds.slow)).toEqual(['connection-silent']);
    expect(reasons(kinds.garbage)).toEqual(['pop3-malformed-listing']);
    expect(reasons(kinds.password)).toEqual(['login-refused']);
    // A wrong password was sent once, and so was the name of each user that got no answer.
    for (const user of [...kinds.password, ...kinds.silent]) {
      expect(server.record.count('USER', user)).toBe(1);
    }
  }
}, 300_000);
