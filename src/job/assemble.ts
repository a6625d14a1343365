/**
 * Turns a job definition into live objects: the one file that knows every implementation. It opens what has to be open for
 * a run (ledger and its lock, spool), prepares what opens later (sessions, archives), and closes all of it.
 */
import { join } from 'node:path';
import { setTimeout as timer } from 'node:timers/promises';
import { type Failpoint, NO_FAILPOINT } from '../errors/failpoint.ts';
import { openLedger } from '../ledger/open-ledger.ts';
import { PageStock } from '../message/pages.ts';
import { openQuarantine } from '../message/quarantine.ts';
import { QUARANTINE_FOLDER } from '../message/quarantine-names.ts';
import { openSpool } from '../message/spool.ts';
import type { AccountSource, JobContext, QuarantineRules, SurveyContext } from '../pipeline/context.ts';
import { Bandwidth } from '../pop3/bandwidth.ts';
import { type EndpointOptions, openClient } from '../pop3/open-client.ts';
import type { ProxyOptions } from '../pop3/proxy.ts';
import type { ClientCertificate } from '../pop3/tls.ts';
import { TlsSessions } from '../pop3/tls-sessions.ts';
import { NO_TRACE, type WireTrace } from '../pop3/wire-trace.ts';
import { MaildirSink } from '../sink/maildir/maildir-sink.ts';
import { MboxSink } from '../sink/mbox/mbox-sink.ts';
import type { Sink } from '../sink/sink.ts';
import { assembleClientCertificates, type ClientCertificateOf } from './assemble-client-certificates.ts';
import { withLogin } from './assemble-login.ts';
import { assembleProxies, type ProxyOf } from './assemble-proxy.ts';
import { assembleS3Sink, checkS3Secrets } from './assemble-s3.ts';
import { parseFailpoint } from './failpoint-switch.ts';
import type { AccountDefinition, Job, Limits, SinkDefinition } from './job.ts';
import { expandPath } from './placeholders.ts';
import { type CredentialOf, resolveSecrets } from './resolve-secrets.ts';

export interface SourceOptions {
  /** Those of the job's accounts that this command is about. */
  readonly accounts: readonly AccountDefinition[];
  readonly emit: SurveyContext['emit'];
  readonly dropSignal: AbortSignal;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly traceFor?: ((account: string) => WireTrace) | undefined;
}

export interface AssembleOptions extends SourceOptions {
  readonly version: string;
  readonly now: () => number;
  readonly stopSignal: AbortSignal;
  readonly isRefetching?: boolean;
  readonly isRetryingQuarantined?: boolean;
}

export interface AssembledJob {
  readonly context: JobContext;
  /** Closes the sinks and the ledger, which frees the job for the next run. */
  close(): Promise<void>;
}

/** What is made durable together: enough to share an fsync, little enough to hold twice per account in memory. */
const BATCH = { messages: 1024, octets: 4 * 1024 * 1024 } as const;

/** @throws MailferryError `secret-…` for all secrets that cannot be had, `job-running`, or what opening the ledger threw. */
export async function assembleJob(job: Job, options: AssembleOptions): Promise<AssembledJob> {
  const failpoint = parseFailpoint(options.env);
  const accounts = await assembleSources(job, options);
  const sinks = await assembleSinks(job, options, failpoint);
  const ledger = await openLedger({
    statePath: job.statePath,
    job: job.name,
    sinks: sinks.map(({ name }) => name),
    failpoint,
  });
  try {
    const spool = openSpool(join(job.statePath, 'spool'), {
      pages: new PageStock(job.limits.memoryOctets),
      failpoint,
    });
    const { emit, now, stopSignal, dropSignal, version } = options;
    const context: JobContext = {
      job: job.name,
      version,
      accounts,
      select: job.select,
      limits: job.limits,
      isReadingBack: job.isReadingBack,
      isRefetching: options.isRefetching === true,
      isRetryingQuarantined: options.isRetryingQuarantined === true,
      deletion: job.deletion,
      budgets: job.limits,
      batch: BATCH,
      patienceMs: job.limits.patienceMs,
      random: Math.random,
      sleep,
      sinks,
      ledger,
      spool,
      quarantine: assembleQuarantine(job, failpoint),
      failpoint,
      emit,
      now,
      stopSignal,
      dropSignal,
    };
    return {
      context,
      close: async () => {
        // A sink may have something left to send (an object store's manifest), and fail at it.
        const closings = await Promise.allSettled(sinks.map((sink) => sink.close()));
        ledger.close();
        for (const closing of closings) {
          if (closing.status === 'rejected') {
            throw closing.reason;
          }
        }
      },
    };
  } catch (cause) {
    ledger.close();
    throw cause;
  }
}

function assembleQuarantine({ statePath, limits }: Job, failpoint: Failpoint): QuarantineRules {
  const kept = openQuarantine(join(statePath, QUARANTINE_FOLDER), { failpoint });
  return { maxAttempts: limits.attempts, partOctets: limits.partOctets, kept };
}

type SinkOptions = Pick<SourceOptions, 'emit' | 'dropSignal' | 'env'>;

/** The sinks to be read alone: nothing that is left to send is sent when they are closed. */
export function assembleReadableSinks(job: Job, options: SinkOptions): Promise<readonly Sink[]> {
  const definitions = job.sinks.map((sink) =>
    sink.kind === 's3' ? { ...sink, s3: { ...sink.s3, manifest: false } } : sink,
  );
  return assembleSinks({ ...job, sinks: definitions }, options, NO_FAILPOINT);
}

async function assembleSinks(
  job: Job,
  { emit, dropSignal, env }: SinkOptions,
  failpoint: Failpoint,
): Promise<readonly Sink[]> {
  const s3Options = { job, signal: dropSignal, env, failpoint };
  await checkS3Secrets(job.sinks, s3Options);
  return Promise.all(
    job.sinks.map((definition) =>
      definition.kind === 's3'
        ? assembleS3Sink(definition, s3Options)
        : assembleFileSink(definition, job.limits, emit, failpoint),
    ),
  );
}

/** The accounts as sources of sessions. Every secret is fetched first, so that all that are missing are told at once. */
export async function assembleSources(job: Job, options: SourceOptions): Promise<readonly AccountSource[]> {
  const logWarning = (text: string, account?: string): void =>
    options.emit({ type: 'logged', level: 'warn', account, text });
  const secretOptions = {
    timeoutMs: job.limits.loginTimeoutMs,
    signal: options.dropSignal,
    env: options.env,
    warn: (text: string) => logWarning(text),
  };
  const proxyOf = await assembleProxies(options.accounts, secretOptions);
  const credentialOf = await resolveSecrets(options.accounts, {
    ...secretOptions,
    proxyOf,
    warn: (account, text) => logWarning(text, account),
  });
  const certificateOf = await assembleClientCertificates(options.accounts, secretOptions);
  const { octetsPerSecond } = job.limits;
  const bandwidth =
    octetsPerSecond === undefined ? undefined : new Bandwidth(octetsPerSecond, () => performance.now());
  const tlsSessions = new TlsSessions();
  return options.accounts.map((account) =>
    assembleSource(account, job.limits, {
      ...{ credentialOf, proxyOf, certificateOf, tlsSessions, bandwidth },
      traceFor: options.traceFor,
    }),
  );
}

/** What the sources of a job share. */
interface Shared {
  readonly credentialOf: CredentialOf;
  readonly proxyOf: ProxyOf;
  readonly certificateOf: ClientCertificateOf;
  readonly traceFor: SourceOptions['traceFor'];
  readonly bandwidth: Bandwidth | undefined;
  readonly tlsSessions: TlsSessions;
}

function assembleSource(
  account: AccountDefinition,
  limits: Limits,
  { credentialOf, proxyOf, certificateOf, tlsSessions, traceFor, bandwidth }: Shared,
): AccountSource {
  const { id, host, port, user, drain } = account;
  return {
    id,
    host,
    port,
    user,
    drain,
    open: (signal, { onStep } = {}) => {
      const endpoint = assembleEndpoint(account, limits, {
        ...{ signal, trace: traceFor?.(id), proxy: proxyOf(account) },
        clientCertificate: certificateOf(account),
      });
      return withLogin({ account, limits, credential: credentialOf(account), signal }, (login) =>
        openClient({ ...endpoint, ...login, bandwidth, tlsSessions }, onStep),
      );
    },
  };
}

function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return timer(ms, undefined, { signal }).catch(() => undefined);
}

/** What is said of a server. */
export type EndpointDefinition = Pick<
  AccountDefinition,
  'host' | 'port' | 'security' | 'tls' | 'proxy' | 'localAddress'
>;

export interface EndpointParts {
  readonly signal: AbortSignal;
  readonly trace?: WireTrace | undefined;
  readonly proxy?: ProxyOptions | undefined;
  readonly clientCertificate?: ClientCertificate | undefined;
}

/** How to reach an account's server; nothing secret but what a proxy wants. */
export function assembleEndpoint(
  { host, port, security, tls, localAddress }: EndpointDefinition,
  limits: Limits,
  { signal, trace, proxy, clientCertificate }: EndpointParts,
): EndpointOptions {
  const timeouts = {
    connectMs: limits.connectTimeoutMs,
    greetingMs: limits.greetingTimeoutMs,
    loginMs: limits.loginTimeoutMs,
    firstOctetMs: limits.firstOctetTimeoutMs,
    idleMs: limits.timeoutMs,
    sessionMs: limits.sessionTimeoutMs,
  };
  return {
    ...{ host, port, security, timeouts, signal, proxy, localAddress },
    tls: { ...tls, clientCertificate },
    trace: trace ?? NO_TRACE,
  };
}

function assembleFileSink(
  definition: Exclude<SinkDefinition, { readonly kind: 's3' }>,
  limits: Limits,
  emit: SurveyContext['emit'],
  failpoint: Failpoint,
): Sink {
  const { name, path } = definition;
  const options = {
    name,
    pathFor: (account: { id: string; host: string; user: string }) => expandPath(path, account),
    patienceMs: limits.patienceMs,
    warn: (account: string, text: string) => emit({ type: 'logged', level: 'warn', account, text }),
    failpoint,
  };
  switch (definition.kind) {
    case 'maildir':
      return new MaildirSink(options);
    case 'mbox':
      return new MboxSink(options);
  }
}
