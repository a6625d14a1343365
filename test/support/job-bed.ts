/**
 * A job on a test's bed: a demo server, a real ledger in a temporary folder, sinks of the test's choice, and every event kept.
 * Each `run` is a run of the job as the command does it, with everything opened and closed again.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DemoServer, type DemoUser } from '../../src/demo/demo-server.ts';
import type { Misbehaviour } from '../../src/demo/misbehaviour-switch.ts';
import { NO_FAILPOINT } from '../../src/errors/failpoint.ts';
import { openLedger } from '../../src/ledger/open-ledger.ts';
import { PageStock } from '../../src/message/pages.ts';
import { openQuarantine } from '../../src/message/quarantine.ts';
import { openSpool } from '../../src/message/spool.ts';
import type { AccountSource, JobContext } from '../../src/pipeline/context.ts';
import type { MailferryEvent } from '../../src/pipeline/events.ts';
import { type RunResult, runJob } from '../../src/pipeline/run-job.ts';
import { openClient } from '../../src/pop3/open-client.ts';
import { NO_TRACE } from '../../src/pop3/wire-trace.ts';
import { MemorySink } from '../../src/sink/memory.ts';
import type { Sink } from '../../src/sink/sink.ts';

export const NO_SELECTION = {
  olderThanMs: undefined,
  newerThanMs: undefined,
  largerThanOctets: undefined,
  smallerThanOctets: undefined,
};

export interface JobBedOptions {
  readonly users: readonly DemoUser[];
  readonly misbehaviour?: readonly Misbehaviour[];
  readonly sinks?: readonly Sink[];
}

export type RunOptions = Partial<
  Pick<
    JobContext,
    | 'select'
    | 'limits'
    | 'batch'
    | 'budgets'
    | 'now'
    | 'patienceMs'
    | 'sleep'
    | 'random'
    | 'isReadingBack'
    | 'isRefetching'
    | 'isRetryingQuarantined'
    | 'deletion'
    | 'stopSignal'
    | 'dropSignal'
    | 'sinks'
    | 'accounts'
    | 'failpoint'
  >
> & {
  readonly password?: string;
  readonly timeoutMs?: number;
  /** In place of the server's: where nothing listens, or another server. */
  readonly port?: number;
  /** In place of 127.0.0.1: another loopback address is another host. */
  readonly host?: string;
  readonly pipeline?: number;
  readonly maxAttempts?: number;
  readonly partOctets?: number;
  /** Memory for messages of more than 64 KiB; none where not given. */
  readonly memoryOctets?: number;
  readonly onEvent?: (event: MailferryEvent) => void;
};

export class JobBed implements AsyncDisposable {
  readonly server: DemoServer;
  readonly folder: string;
  readonly sinks: readonly Sink[];
  /** Of the last run. */
  events: MailferryEvent[] = [];
  /** Every wait so far, in milliseconds: time is moved, nobody sleeps. */
  readonly waits: number[] = [];
  #sleptMs = 0;
  readonly #users: readonly DemoUser[];

  private constructor(server: DemoServer, folder: string, { users, sinks }: JobBedOptions) {
    this.server = server;
    this.folder = folder;
    this.#users = users;
    this.sinks = sinks ?? [new MemorySink()];
  }

  static async make(options: JobBedOptions): Promise<JobBed> {
    const folder = await mkdtemp(join(tmpdir(), 'mailferry-test-'));
    const server = await DemoServer.start({ users: options.users, misbehaviour: options.misbehaviour ?? [] });
    return new JobBed(server, folder, options);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server.close();
    await rm(this.folder, { recursive: true, force: true });
  }

  /** A source for one of the server's users. */
  source({ name, password }: DemoUser, options: RunOptions = {}): AccountSource {
    const silenceMs = options.timeoutMs ?? 5_000;
    const { host = '127.0.0.1', port = this.server.port } = options;
    return {
      id: name,
      host,
      port,
      user: name,
      open: (signal, { onStep } = {}) =>
        openClient(
          {
            host,
            port,
            security: 'plaintext',
            tls: { caPath: undefined, fingerprints: [], serverName: undefined },
            user: name,
            password: options.password ?? password,
            auth: 'AUTO',
            pipeline: options.pipeline ?? 64,
            timeouts: {
              connectMs: silenceMs,
              greetingMs: silenceMs,
              loginMs: silenceMs,
              firstOctetMs: silenceMs,
              idleMs: silenceMs,
              sessionMs: undefined,
            },
            trace: NO_TRACE,
            signal,
          },
          onStep,
        ),
    };
  }

  async run(options: RunOptions = {}): Promise<RunResult> {
    this.events = [];
    const sinks = options.sinks ?? this.sinks;
    const statePath = join(this.folder, 'state');
    const { failpoint = NO_FAILPOINT } = options;
    const names = sinks.map(({ name }) => name);
    const ledger = await openLedger({ statePath, job: 'test', sinks: names, failpoint });
    const pages = new PageStock(options.memoryOctets ?? 0, 64 * 1024);
    const spool = openSpool(join(statePath, 'spool'), { memoryLimitOctets: 64 * 1024, pages, failpoint });
    try {
      return await runJob({
        job: 'test',
        version: '0.0.0',
        accounts: this.#users.map((user) => this.source(user, options)),
        limits: { accounts: 8, perHost: 8 },
        select: NO_SELECTION,
        isReadingBack: false,
        deletion: undefined,
        patienceMs: 0,
        random: () => 0,
        batch: { messages: 256, octets: 4 * 1024 * 1024 },
        stopSignal: new AbortController().signal,
        dropSignal: new AbortController().signal,
        now: () => Date.now() + this.#sleptMs,
        sleep: async (ms) => {
          this.waits.push(ms);
          this.#sleptMs += ms;
        },
        ...options,
        sinks,
        ledger,
        spool,
        quarantine: {
          maxAttempts: options.maxAttempts ?? 3,
          partOctets: options.partOctets ?? 1024,
          kept: openQuarantine(this.quarantineFolder, { failpoint }),
        },
        failpoint,
        emit: (event) => {
          this.events.push(event);
          options.onEvent?.(event);
        },
      });
    } finally {
      ledger.close();
    }
  }

  get quarantineFolder(): string {
    return join(this.folder, 'state', 'quarantine');
  }

  /** Everything of one account that the memory sink holds, as strings (latin1), sorted. */
  held(account: string): string[] {
    const [sink] = this.sinks;
    if (!(sink instanceof MemorySink)) {
      throw new Error('the first sink of this bed is no memory sink');
    }
    return [...(sink.held.get(account)?.values() ?? [])].map((octets) => octets.toString('latin1')).sort();
  }

  eventsOf<Type extends MailferryEvent['type']>(type: Type): Extract<MailferryEvent, { type: Type }>[] {
    return this.events.filter(
      (event): event is Extract<MailferryEvent, { type: Type }> => event.type === type,
    );
  }
}

/** So many small, different messages. */
export function someMessages(count: number, label = 'message'): Buffer[] {
  return Array.from({ length: count }, (_, index) =>
    Buffer.from(`Subject: ${label} ${index}\r\n\r\nbody of ${label} ${index}\r\n`, 'latin1'),
  );
}
