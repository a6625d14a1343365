/**
 * A job that archives two accounts into a Maildir and an mbox and deletes at the source, over disks and ledgers that fail on
 * demand, and what must hold after whatever went wrong. What is checked is read without the product's sinks: by the
 * formats' rules, and at the server.
 */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { DemoUser } from '../../../src/demo/demo-server.ts';
import { Mailbox } from '../../../src/demo/mailbox.ts';
import type { Misbehaviour } from '../../../src/demo/misbehaviour-switch.ts';
import { openLedgerReader } from '../../../src/ledger/open-reader.ts';
import type { DeletionRules } from '../../../src/pipeline/decide-deletion.ts';
import type { RunResult } from '../../../src/pipeline/run-job.ts';
import { type Disk, NODE_DISK } from '../../../src/sink/disk.ts';
import { MaildirSink } from '../../../src/sink/maildir/maildir-sink.ts';
import { MboxSink } from '../../../src/sink/mbox/mbox-sink.ts';
import type { Sink, SinkAccount } from '../../../src/sink/sink.ts';
import { maildirFiles, mboxMessages, sha256, storedForm } from '../../support/archives.ts';
import { JobBed, type RunOptions } from '../../support/job-bed.ts';

export const DELETE_ALL: DeletionRules = {
  ageMs: 0,
  max: undefined,
  maxPercent: undefined,
  keepNewest: undefined,
  keepForMs: undefined,
  keepBelowOctets: undefined,
};

/** Small ones, one with `From ` lines, one with a bare LF that is stored exactly, and one that goes through the spool. */
function messagesOf(name: string): Buffer[] {
  const text = (body: string): Buffer => Buffer.from(`Subject: to ${name}\r\n\r\n${body}`, 'latin1');
  return [
    text('one\r\n'),
    text('From here\r\n>From there\r\n'),
    text('bare\nline end\r\n'),
    text('x'.repeat(70).concat('\r\n').repeat(1500)),
    text('five\r\n'),
  ];
}

interface Offered {
  readonly user: string;
  readonly uidl: string;
  /** SHA-256 of the form in which both sinks keep it. */
  readonly stored: string;
}

export interface FaultBedOptions {
  readonly users?: readonly string[];
  /** The messages of each user, where others are wanted. */
  readonly messages?: readonly Buffer[];
  readonly misbehaviour?: readonly Misbehaviour[];
}

export class FaultBed implements AsyncDisposable {
  readonly #bed: JobBed;
  readonly #offered: readonly Offered[];
  readonly #unproved: string[];
  readonly #names: readonly string[];

  private constructor(bed: JobBed, users: readonly DemoUser[], unproved: string[]) {
    this.#bed = bed;
    this.#unproved = unproved;
    this.#names = users.map(({ name }) => name);
    this.#offered = this.#names.flatMap((user) =>
      bed.server
        .mailbox(user)
        .entries.map(({ uidl, content }) => ({ user, uidl, stored: digestOf(content) })),
    );
  }

  static async make(options: FaultBedOptions = {}): Promise<FaultBed> {
    const users = (options.users ?? ['alice', 'bob']).map((name) => ({
      name,
      password: 'secret',
      messages: new Mailbox(options.messages ?? messagesOf(name)),
    }));
    const unproved: string[] = [];
    let bed: JobBed | undefined;
    const watch = watchDeletions((user, number) => {
      // A misbehaviour may show only a part of the mailbox: numbers count what is shown.
      const uidl = bed?.server.misbehaviour.shown(bed.server.mailbox(user).entries)[number - 1]?.uidl;
      if (bed === undefined || uidl === undefined || !isProved(bed.folder, user, uidl)) {
        unproved.push(`${user}: DELE ${number}`);
      }
    });
    bed = await JobBed.make({ users, misbehaviour: [watch, ...(options.misbehaviour ?? [])] });
    return new FaultBed(bed, users, unproved);
  }

  get server(): JobBed['server'] {
    return this.#bed.server;
  }

  get events(): JobBed['events'] {
    return this.#bed.events;
  }

  get folder(): string {
    return this.#bed.folder;
  }

  /** One run that deletes. @throws what runJob throws */
  async run(disk: Disk = NODE_DISK, options: RunOptions = {}): Promise<RunResult> {
    await this.#untilServerIsIdle();
    return await this.#bed.run({
      sinks: this.#sinks(disk),
      isReadingBack: true,
      deletion: DELETE_ALL,
      // One after the other, so that the n-th call is the same call each time.
      limits: { accounts: 1, perHost: 1 },
      ...options,
    });
  }

  /** Whatever went wrong: what breaks a promise, in words. */
  broken(): string[] {
    const lost = this.#offered.filter(
      ({ user, uidl, stored }) => !this.#isOnServer(user, uidl) && !this.#isInAllSinks(user, stored),
    );
    return [
      ...lost.map(({ user, uidl }) => `lost: ${user} ${uidl}`),
      ...this.#unproved.map((text) => `not proved: ${text}`),
    ];
  }

  /** After a run that nothing disturbed: what is not as it must be then. */
  unfinished(): string[] {
    const left = this.#names.flatMap((user) =>
      this.server.mailbox(user).entries.map(({ uidl }) => `left on the server: ${user} ${uidl}`),
    );
    const wrong = this.#names.flatMap((user) => {
      const expected = this.#offered.filter((each) => each.user === user).map(({ stored }) => stored);
      return [
        ...differences(`${user}'s Maildir`, expected, this.maildir(user)),
        ...differences(`${user}'s mbox`, expected, this.mbox(user)),
      ];
    });
    return [...left, ...wrong, ...this.broken()];
  }

  /** Every file of the sinks: its name, length and last change. */
  snapshot(): string[] {
    return readdirSync(join(this.folder, 'sinks'), { recursive: true, encoding: 'utf8' })
      .map((name) => {
        const { size, mtimeMs } = statSync(join(this.folder, 'sinks', name));
        return `${name} ${size} ${mtimeMs}`;
      })
      .sort();
  }

  maildir(user: string): string[] {
    return orNothing(() =>
      maildirFiles(join(this.folder, 'sinks', user)).map((path) => sha256(readFileSync(path))),
    );
  }

  mbox(user: string): string[] {
    return orNothing(() =>
      mboxMessages(readFileSync(join(this.folder, 'sinks', `${user}.mbox`))).map(sha256),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#bed[Symbol.asyncDispose]();
  }

  /** A session that was dropped keeps its maildrop locked until the server has seen it. */
  async #untilServerIsIdle(): Promise<void> {
    while (this.server.record.openSessions > 0) {
      await nextTurn();
    }
  }

  #sinks(disk: Disk): readonly Sink[] {
    const pathOf = ({ id }: SinkAccount): string => join(this.folder, 'sinks', id);
    return [
      new MaildirSink({ name: 'maildir:test', pathFor: pathOf, disk }),
      new MboxSink({ name: 'mbox:test', pathFor: (each) => `${pathOf(each)}.mbox`, patienceMs: 0, disk }),
    ];
  }

  #isOnServer(user: string, uidl: string): boolean {
    return this.server.mailbox(user).entries.some((entry) => entry.uidl === uidl);
  }

  #isInAllSinks(user: string, stored: string): boolean {
    return this.maildir(user).includes(stored) && this.mbox(user).includes(stored);
  }
}

function digestOf(content: unknown): string {
  if (!Buffer.isBuffer(content)) {
    throw new Error('messages of this bed are Buffers');
  }
  return sha256(storedForm(content));
}

/** Misbehaves in nothing, and sees each DELE before it is answered. */
function watchDeletions(see: (user: string, number: number) => void): Misbehaviour {
  return {
    name: 'watches DELE',
    strikes: ({ command, user }) => {
      if (command.verb === 'DELE') {
        see(user ?? '', Number(command.argument));
      }
      return false;
    },
  };
}

/** Whether the ledger has, durably and at this moment, verified receipts of both sinks and the wish to delete. */
function isProved(folder: string, user: string, uidl: string): boolean {
  const reader = openLedgerReader({ statePath: join(folder, 'state') });
  try {
    const account = reader?.account(user);
    const row = [...(account?.known() ?? [])].find((each) => each.uidl === uidl);
    const receipts = row === undefined ? [] : [...(account?.receipts(row.rowId).values() ?? [])];
    return (
      row?.state === 'deletion-requested' &&
      receipts.length === 2 &&
      receipts.every(({ receipt }) => receipt.proof !== 'synced')
    );
  } finally {
    reader?.close();
  }
}

function differences(where: string, expected: readonly string[], found: readonly string[]): string[] {
  const text = (digests: readonly string[]): string => [...digests].sort().join(' ');
  return text(expected) === text(found)
    ? []
    : [`${where} holds ${found.length}, expected ${expected.length}`];
}

/** A store that was never made holds nothing. */
function orNothing(read: () => string[]): string[] {
  try {
    return read();
  } catch (thrown) {
    if (thrown instanceof Error && 'code' in thrown && thrown.code === 'ENOENT') {
      return [];
    }
    throw thrown;
  }
}
