/**
 * Typed parts become definitions: defaults filled in, paths absolute, names that follow from other keys. Pure but for the
 * present folder; reports nothing: what is missing stays undefined, and rules.ts says so.
 */
import { isAbsolute, join, normalize, resolve } from 'node:path';
import { needsPassword } from '../pop3/sasl/names.ts';
import type { AccountEntry } from './collect-accounts.ts';
import type {
  AccountDefinition,
  ClientCertificateSource,
  CredentialSource,
  DeletionDefinition,
  Limits,
  OauthDefinition,
  ProxyDefinition,
  S3Definition,
  SecretSource,
  SelectRules,
  SinkDefinition,
  TlsSettings,
} from './job.ts';
import { OAUTH_PRESETS } from './oauth/presets.ts';
import { escapeBraces, expandPath } from './placeholders.ts';
import { SECURITY_OF_SCHEME, urlIn } from './pop-url.ts';
import { parseProxyUrl } from './proxy-url.ts';
import {
  mechanismOf,
  type RawAccount,
  type RawDefaults,
  type RawDelete,
  type RawKeep,
  type RawLimits,
  type RawOauth,
  type RawPassword,
  type RawProxy,
  type RawS3,
  type RawSecret,
  type RawSelect,
  type RawSink,
} from './schema.ts';

/** The account's own keys, then the defaults; a POP URL in `host` is taken apart. `tls` is filled up key by key. */
export function mergeAccount({ keys }: AccountEntry, defaults: RawDefaults): RawAccount {
  const tls = keys.tls ?? defaults.tls;
  return {
    ...withUrlParts(defaults, undefined),
    ...withoutUndefined(withUrlParts(keys, defaults.security)),
    ...(tls === undefined ? {} : { tls: { ...defaults.tls, ...withoutUndefined(keys.tls ?? {}) } }),
  };
}

/** What the keys themselves say goes before what their URL says; rules.ts refuses what contradicts it. */
function withUrlParts(keys: RawAccount, inherited: RawAccount['security']): RawAccount {
  const url = urlIn(keys.host);
  if (url === undefined) {
    return keys;
  }
  const { host, port, scheme, user, auth } = url;
  return {
    ...(port === undefined ? {} : { port }),
    // Whoever asked for a clear line by name still has it; a scheme alone never does.
    security: scheme === 'pop' && inherited === 'plaintext' ? inherited : SECURITY_OF_SCHEME[scheme],
    ...(user === undefined ? {} : { user }),
    ...(auth === undefined ? {} : { auth: mechanismOf(auth) }),
    ...withoutUndefined(keys),
    host,
  };
}

/** @returns undefined while a key is missing that has no default. @param folder what paths are relative to. */
export function defineAccount(keys: RawAccount, folder: string): AccountDefinition | undefined {
  const { host, user, security = 'tls' } = keys;
  const isPasswordMissing = keys.password === undefined && needsPassword(keys.auth ?? 'AUTO');
  if (host === undefined || user === undefined || isPasswordMissing) {
    return undefined;
  }
  const id = keys.id ?? `${user}@${host}`;
  return {
    id,
    host,
    port: keys.port ?? (security === 'tls' ? 995 : 110),
    security,
    user,
    password: definePassword(keys.password, { id, host, user }, folder),
    auth: keys.auth ?? 'AUTO',
    drain: keys.drain ?? 'auto',
    authorizationId: keys.authorizationId,
    tls: defineTls(keys.tls, folder),
    proxy: keys.proxy === undefined ? undefined : defineProxy(keys.proxy, folder),
    localAddress: keys.localAddress,
  };
}

function definePassword(password: RawPassword | undefined, of: Owner, folder: string): CredentialSource {
  if (password === undefined) {
    return { kind: 'none' };
  }
  if (typeof password === 'object' && password.netrc !== undefined) {
    const { host, user } = of;
    return { kind: 'netrc', path: resolve(folder, password.netrc), host, user };
  }
  return typeof password === 'object' && password.oauth !== undefined
    ? { kind: 'oauth', oauth: defineOauth(password.oauth, of, folder) }
    : defineSecret(password, folder);
}

/** Whose password it is. */
interface Owner {
  readonly id: string;
  readonly host: string;
  readonly user: string;
}

function defineOauth(oauth: RawOauth, of: Owner, folder: string): OauthDefinition {
  const {
    provider,
    tenant = 'common',
    clientId,
    clientSecret,
    refreshToken,
    clientCredentials,
    store,
  } = oauth;
  const preset = provider === undefined ? undefined : OAUTH_PRESETS[provider];
  const ofTenant = (address: string | undefined): string | undefined => address?.replace('{tenant}', tenant);
  const grant = clientCredentials === undefined ? 'refreshToken' : 'clientCredentials';
  return {
    tokenEndpoint: oauth.tokenEndpoint ?? ofTenant(preset?.tokenEndpoint) ?? '',
    deviceEndpoint: oauth.deviceEndpoint ?? ofTenant(preset?.deviceEndpoint),
    clientId,
    clientSecret: clientSecret === undefined ? undefined : defineSecret(clientSecret, folder),
    scope: oauth.scope ?? (grant === 'clientCredentials' ? preset?.clientScope : preset?.scope),
    grant,
    refreshToken: refreshToken === undefined ? undefined : defineSecret(refreshToken, folder),
    storePath: store === undefined ? undefined : resolve(folder, expandPath({ text: store }, of)),
  };
}

function defineSecret(password: RawSecret, folder: string): SecretSource {
  if (typeof password === 'string') {
    return { kind: 'plain', value: password };
  }
  if (password.env !== undefined) {
    return { kind: 'env', name: password.env };
  }
  if (password.file !== undefined) {
    return { kind: 'file', path: resolve(folder, password.file) };
  }
  if (password.credential !== undefined) {
    return { kind: 'credential', name: password.credential };
  }
  // The schema lets no map pass that has none of the keys.
  const [program, ...args] = password.command ?? [''];
  return { kind: 'command', argv: [programPath(program, folder), ...args] };
}

/** A bare name is looked up in PATH; one with a folder in it is a path, and as such relative to the job file. */
function programPath(program: string, folder: string): string {
  return program.includes('/') ? resolve(folder, program) : program;
}

function defineProxy(proxy: RawProxy, folder: string): ProxyDefinition | 'none' | undefined {
  const { url, user, password } = typeof proxy === 'string' ? { url: proxy } : proxy;
  const parsed = url === 'none' ? url : parseProxyUrl(url);
  if (typeof parsed !== 'object') {
    return parsed;
  }
  const { kind, host, port } = parsed;
  return {
    ...{ kind, host, port },
    user: user ?? parsed.user,
    password: password === undefined ? undefined : defineSecret(password, folder),
  };
}

function defineTls(tls: RawAccount['tls'], folder: string): TlsSettings {
  return {
    caPath: tls?.ca === undefined ? undefined : resolve(folder, tls.ca),
    fingerprints: tls?.fingerprint ?? [],
    serverName: tls?.serverName,
    clientCertificate: defineClientCertificate(tls ?? {}, folder),
  };
}

/** Half of one is nobody's: rules.ts says so. */
function defineClientCertificate(
  { cert, key, pfx, passphrase: written }: NonNullable<RawAccount['tls']>,
  folder: string,
): ClientCertificateSource | undefined {
  const passphrase = written === undefined ? undefined : defineSecret(written, folder);
  if (pfx !== undefined) {
    return { kind: 'pfx', path: resolve(folder, pfx), passphrase };
  }
  return cert === undefined || key === undefined
    ? undefined
    : { kind: 'pem', certPath: resolve(folder, cert), keyPath: resolve(folder, key), passphrase };
}

/** The name keeps the path as the job writes it, so that receipts are found again when the job moves to another folder. */
export function defineSink(sink: RawSink, folder: string): SinkDefinition {
  if (sink.s3 !== undefined) {
    return { kind: 's3', name: s3Name(sink.s3), s3: defineS3(sink.s3, folder) };
  }
  const kind = sink.maildir === undefined ? 'mbox' : 'maildir';
  const written = sink.maildir ?? sink.mbox ?? '';
  return { kind, name: `${kind}:${written}`, path: { text: absoluteTemplate(written, folder) } };
}

/** The bucket is the place; a key, a class or a lock may change and the receipts stay good. */
function s3Name({ bucket, endpoint }: RawS3): string {
  return endpoint === undefined ? `s3:${bucket}` : `s3:${endpoint.replace(/\/+$/, '')}/${bucket}`;
}

function defineS3(s3: RawS3, folder: string): S3Definition {
  const { endpoint, encryption, objectLock, credentials } = s3;
  const mode = objectLock?.mode === 'governance' ? 'GOVERNANCE' : 'COMPLIANCE';
  const retainMs = objectLock?.retain;
  return {
    bucket: s3.bucket,
    region: s3.region ?? (endpoint === undefined ? undefined : 'us-east-1'),
    endpoint,
    isPlaintext: s3.security === 'plaintext',
    forcePathStyle: s3.forcePathStyle ?? endpoint !== undefined,
    key: s3.key,
    credentials:
      credentials === undefined
        ? undefined
        : {
            accessKeyId: credentials.accessKeyId,
            secretAccessKey: defineSecret(credentials.secretAccessKey, folder),
            sessionToken:
              credentials.sessionToken === undefined
                ? undefined
                : defineSecret(credentials.sessionToken, folder),
          },
    storageClass: s3.storageClass,
    encryption:
      encryption === undefined
        ? undefined
        : { sse: encryption.sse, kmsKeyId: encryption.kmsKeyId, bucketKey: encryption.bucketKey },
    lock: retainMs === undefined ? undefined : { mode, retainMs },
    legalHold: objectLock?.legalHold ?? false,
    metadata: s3.metadata ?? {},
    tags: s3.tags,
    verify: s3.verify,
    multipartOctets: s3.multipartOver,
    manifest: s3.manifest,
  };
}

function absoluteTemplate(written: string, folder: string): string {
  const absolute = isAbsolute(written) ? normalize(written) : join(escapeBraces(folder), written);
  return absolute.length > 1 ? absolute.replace(/\/+$/, '') : absolute;
}

export function defineStatePath(state: string | undefined, name: string, folder: string): string {
  return resolve(folder, state ?? join('.mailferry', name));
}

export function defineSelect(select: RawSelect): SelectRules {
  return {
    olderThanMs: select.olderThan,
    newerThanMs: select.newerThan,
    largerThanOctets: select.largerThan,
    smallerThanOctets: select.smallerThan,
  };
}

export function defineDeletion(rules: RawDelete, keep: RawKeep | undefined): DeletionDefinition {
  return {
    ageMs: rules.age,
    max: rules.max,
    maxPercent: rules.maxPercent,
    keepNewest: keep?.newest,
    keepForMs: keep?.for,
    keepBelowOctets: keep?.below,
  };
}

export function defineLimits(limits: RawLimits): Limits {
  return {
    accounts: limits.accounts,
    perHost: limits.perHost,
    loginsPerMinute: limits.loginsPerMinute,
    pipeline: limits.pipeline,
    octetsPerSession: limits.bytesPerSession,
    messagesPerSession: limits.messagesPerSession,
    octetsPerDay: limits.bytesPerDay,
    octetsPerSecond: limits.bandwidth,
    timeoutMs: limits.timeout,
    patienceMs: limits.patience,
    connectTimeoutMs: limits.connectTimeout,
    greetingTimeoutMs: limits.greetingTimeout,
    loginTimeoutMs: limits.loginTimeout,
    firstOctetTimeoutMs: limits.firstOctetTimeout,
    sessionTimeoutMs: limits.sessionTimeout,
    attempts: limits.attempts,
    partOctets: limits.partSize,
    memoryOctets: limits.memory,
  };
}

/** A key that is undefined must not hide a default. */
function withoutUndefined<T extends object>(keys: T): T {
  // Entries of T put together again are a T: what is left out was optional.
  return Object.fromEntries(Object.entries(keys).filter(([, value]) => value !== undefined)) as T;
}
