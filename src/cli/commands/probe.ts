/**
 * `mailferry probe JOB|URL`: one server as it shows itself, with a judgement of its security and what is known of its provider. A
 * URL, or a job without `--account`, is looked at from outside; with `--account` each matching account logs in and counts.
 */
import { MailferryError } from '../../errors/mailferry-error.ts';
import { assembleEndpoint, type EndpointDefinition, type EndpointParts } from '../../job/assemble.ts';
import { assembleClientCertificates } from '../../job/assemble-client-certificates.ts';
import { withLogin } from '../../job/assemble-login.ts';
import { assembleProxies } from '../../job/assemble-proxy.ts';
import { defaultLimits } from '../../job/default-limits.ts';
import type { AccountDefinition, Job, Limits, Security } from '../../job/job.ts';
import { loadJob } from '../../job/load-job.ts';
import { isPopUrl, parsePopUrl } from '../../job/pop-url.ts';
import { withoutUrlPassword } from '../../job/problems.ts';
import { resolveSecrets } from '../../job/resolve-secrets.ts';
import { judgeSecurity } from '../../pipeline/judge-security.ts';
import { recogniseProvider } from '../../pipeline/known-providers.ts';
import { type ProbeReport, probeServer } from '../../pipeline/probe-server.ts';
import { surveySecurity } from '../../pipeline/survey-security.ts';
import type { Pop3Client } from '../../pop3/client.ts';
import { ConnectionError } from '../../pop3/errors.ts';
import { type EndpointOptions, logIn, openConnection } from '../../pop3/open-client.ts';
import { printable } from '../../report/format.ts';
import { EXIT, type ExitCode, exitCodeOfError, worstExitCode } from '../exit-code.ts';
import { watchInterrupt } from '../interrupt.ts';
import type { CliIo } from '../io.ts';
import { openTrace } from '../open-trace.ts';
import type { ProbeOptions } from '../options.ts';
import { type ProbeResult, renderProbe } from '../probe-text.ts';
import { selectAccounts } from '../select-accounts.ts';
import { tellError } from '../tell-error.ts';
import { probeStores } from './probe-stores.ts';

interface Target {
  /** What the report is headed with. */
  readonly name: string;
  readonly endpoint: EndpointDefinition;
  readonly limits: Limits;
  readonly enter: ((client: Pop3Client) => Promise<void>) | undefined;
}

export async function probe(where: string, options: ProbeOptions, io: CliIo): Promise<ExitCode> {
  const interrupt = watchInterrupt((text) => io.stderr.write(`${text}\n`));
  const trace = openTrace(options, io);
  const codes: ExitCode[] = [EXIT.done];
  try {
    const job = isPopUrl(where) ? undefined : await loadJob(where);
    const targets =
      job === undefined
        ? [targetOfUrl(where, options)]
        : await targetsOfJob(job, options, io, interrupt.stopSignal);
    const signal = interrupt.stopSignal;
    const endpoints = targets.map(({ endpoint }) => endpoint);
    const timeoutMs = defaultLimits().loginTimeoutMs;
    const warn = warnOn(io);
    const secretOptions = { timeoutMs, signal, env: io.env, warn };
    const proxyOf = await assembleProxies(endpoints, secretOptions);
    const certificateOf = await assembleClientCertificates(endpoints, secretOptions);
    for (const target of targets) {
      const parts = {
        ...{ signal, trace: trace?.traceFor(target.name), proxy: proxyOf(target.endpoint) },
        clientCertificate: certificateOf(target.endpoint),
      };
      codes.push(await probeOne(target, parts, options, io));
    }
    // An account is about a server; without one the job's stores are looked at too.
    if (job !== undefined && options.account === undefined) {
      codes.push(...(await probeStores(job, options, io, interrupt.stopSignal)));
    }
  } finally {
    trace?.close();
    interrupt.release();
  }
  return worstExitCode(codes);
}

async function probeOne(
  { name, endpoint, limits, enter }: Target,
  parts: EndpointParts,
  options: ProbeOptions,
  io: CliIo,
): Promise<ExitCode> {
  const where = assembleEndpoint(endpoint, limits, parts);
  try {
    const { session, failure } = await openSession(where, enter);
    // Without a session there is still something to say where it is TLS that stands in the way.
    if (session !== null || isAboutTls(failure)) {
      const result = await toResult(name, where, session);
      io.stdout.write(`${options.json === true ? toJson(result) : renderProbe(result)}\n`);
    }
    if (session === null) {
      throw failure;
    }
    return EXIT.done;
  } catch (cause) {
    io.stderr.write(`${printable(name)}:\n`);
    tellError(cause, io);
    return exitCodeOfError(cause);
  }
}

async function openSession(
  where: EndpointOptions,
  enter: Target['enter'],
): Promise<{ readonly session: ProbeReport | null; readonly failure?: unknown }> {
  try {
    return { session: await probeServer(await openConnection(where), enter) };
  } catch (failure) {
    return { session: null, failure };
  }
}

function isAboutTls(failure: unknown): boolean {
  return (
    failure instanceof ConnectionError && (failure.failure === 'certificate' || failure.failure === 'tls')
  );
}

async function toResult(
  target: string,
  where: EndpointOptions,
  session: ProbeReport | null,
): Promise<ProbeResult> {
  const facts = await surveySecurity(where, session ?? undefined);
  const seen = session ?? facts.secured ?? facts.clear;
  const provider = recogniseProvider({
    host: where.host,
    greeting: seen?.greeting ?? '',
    capabilities: seen?.capabilities,
  });
  return {
    target,
    session,
    provider: provider ?? null,
    security: { judgements: judgeSecurity(facts, Date.now()), tls: facts.tls ?? null },
  };
}

/** Flat: what a session shows stands beside what is made of it. */
function toJson({ target, session, ...rest }: ProbeResult): string {
  return JSON.stringify({ target, ...session, ...rest });
}

function targetOfUrl(url: string, { security, account }: ProbeOptions): Target {
  if (account !== undefined) {
    throw new MailferryError('--account goes with a job definition, not with a URL', {
      code: 'usage-account-with-url',
      scope: 'run',
      retry: 'never',
    });
  }
  const tls = { caPath: undefined, fingerprints: [], serverName: undefined, clientCertificate: undefined };
  return {
    name: url,
    endpoint: { ...endpointOf(url, security), tls, proxy: undefined, localAddress: undefined },
    limits: defaultLimits(),
    enter: undefined,
  };
}

/** A probe of a URL logs nobody in, so a clear line is looked at as it is. @param security wins over what the scheme says. */
function endpointOf(
  text: string,
  security: Security | undefined,
): Pick<AccountDefinition, 'host' | 'port' | 'security'> {
  const url = parsePopUrl(text);
  if (typeof url === 'string') {
    throw new MailferryError(`${withoutUrlPassword(text)} cannot be probed: expected ${url}`, {
      code: 'usage-url',
      scope: 'run',
      retry: 'never',
      hint: 'for example: mailferry probe pops://pop.example.net',
    });
  }
  const isPlain = url.scheme === 'pop';
  const port = url.port ?? (isPlain ? 110 : 995);
  return { host: url.host, port, security: security ?? (isPlain ? 'plaintext' : 'tls') };
}

async function targetsOfJob(
  job: Job,
  options: ProbeOptions,
  io: CliIo,
  signal: AbortSignal,
): Promise<readonly Target[]> {
  const { limits } = job;
  if (options.account === undefined) {
    return distinctServers(job.accounts).map((endpoint) => {
      return { name: serverName(endpoint), endpoint, limits, enter: undefined };
    });
  }
  const accounts = selectAccounts(job.accounts, options.account);
  const warn = warnOn(io);
  const secretOptions = { timeoutMs: limits.loginTimeoutMs, signal, env: io.env, warn };
  const credentialOf = await resolveSecrets(accounts, {
    ...secretOptions,
    // What is unwise about it is told once, by the connection that goes through it.
    proxyOf: await assembleProxies(accounts, { ...secretOptions, warn: () => undefined }),
    warn: (account, text) => warn(`${account}: ${text}`),
  });
  return accounts.map((account) => ({
    name: account.id,
    endpoint: account,
    limits,
    enter: (client) =>
      withLogin({ account, limits, credential: credentialOf(account), signal }, (login) =>
        logIn(client, login),
      ),
  }));
}

function warnOn({ stderr }: CliIo): (text: string) => void {
  return (text) => stderr.write(`warning: ${printable(text)}\n`);
}

function distinctServers(accounts: readonly AccountDefinition[]): AccountDefinition[] {
  return [...new Map(accounts.map((account) => [serverName(account), account])).values()];
}

function serverName({ host, port, security }: Pick<AccountDefinition, 'host' | 'port' | 'security'>): string {
  return `${host}:${port} (${security})`;
}
