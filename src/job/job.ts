/**
 * A job definition after reading, defaults, rules and checks: plain data, every value present, units in the names.
 * Secrets are still only named here (see secrets.ts); paths are absolute.
 */
import type { AuthChoice } from '../pop3/sasl/names.ts';

export type Security = 'tls' | 'starttls' | 'plaintext';

export type SecretSource =
  | { readonly kind: 'plain'; readonly value: string }
  | { readonly kind: 'env'; readonly name: string }
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'command'; readonly argv: readonly [string, ...string[]] }
  /** A systemd credential, by its name. */
  | { readonly kind: 'credential'; readonly name: string }
  /** Nothing secret is said: the client certificate logs in. */
  | { readonly kind: 'none' }
  | { readonly kind: 'netrc'; readonly path: string; readonly host: string; readonly user: string };

/** Where a client certificate and its key come from. */
export type ClientCertificateSource = { readonly passphrase: SecretSource | undefined } & (
  | { readonly kind: 'pem'; readonly certPath: string; readonly keyPath: string }
  | { readonly kind: 'pfx'; readonly path: string }
);
/** Access tokens by OAuth 2.0 (RFC 6749). */
export interface OauthDefinition {
  readonly tokenEndpoint: string;
  /** Where a device asks for a code (RFC 8628); undefined where the provider has none. */
  readonly deviceEndpoint: string | undefined;
  readonly clientId: string;
  readonly clientSecret: SecretSource | undefined;
  /** Words by blanks (RFC 6749 §3.3); undefined: the server's default. */
  readonly scope: string | undefined;
  /** `refreshToken`: also what a device login has stored. `clientCredentials`: the client's own right, without a person. */
  readonly grant: 'refreshToken' | 'clientCredentials';
  /** The refresh token to begin with; undefined where it comes from `store` alone. */
  readonly refreshToken: SecretSource | undefined;
  /** File that keeps the refresh token as it changes; goes before `refreshToken` once it is there. */
  readonly storePath: string | undefined;
}

/** A password, or tokens in its place. */
export type CredentialSource = SecretSource | { readonly kind: 'oauth'; readonly oauth: OauthDefinition };

export interface TlsSettings {
  /** PEM file of certificate authorities to trust instead of the system's. */
  readonly caPath: string | undefined;
  /** Pins: `sha256:` and hex of the leaf certificate, or `spki-sha256:` and Base64 of its public key. Any one suffices. */
  readonly fingerprints: readonly string[];
  /** The name to check and to send as SNI instead of `host`. */
  readonly serverName: string | undefined;
  readonly clientCertificate: ClientCertificateSource | undefined;
}

export interface AccountDefinition {
  readonly id: string;
  readonly host: string;
  readonly port: number;
  readonly security: Security;
  readonly user: string;
  readonly password: CredentialSource;
  readonly auth: AuthChoice;
  /** Whether to log in again in case the server lists only a part of the mailbox. */
  readonly drain: 'auto' | 'always' | 'never';
  /** Whose maildrop is meant, where it is not the user's. */
  readonly authorizationId: string | undefined;
  readonly tls: TlsSettings;
  /** `none`: directly, whatever the environment says; undefined: as the environment says. */
  readonly proxy: ProxyDefinition | 'none' | undefined;
  readonly localAddress: string | undefined;
}

export interface ProxyDefinition {
  readonly kind: 'socks5' | 'http';
  readonly host: string;
  readonly port: number;
  readonly user: string | undefined;
  readonly password: SecretSource | undefined;
}

export type SinkDefinition =
  | { readonly kind: 'maildir'; readonly name: string; readonly path: PathTemplate }
  | { readonly kind: 'mbox'; readonly name: string; readonly path: PathTemplate }
  | { readonly kind: 's3'; readonly name: string; readonly s3: S3Definition };

/** Where and how an S3 sink stores; undefined: the sink's or the store's own default. */
export interface S3Definition {
  readonly bucket: string;
  readonly region: string | undefined;
  readonly endpoint: string | undefined;
  readonly forcePathStyle: boolean;
  readonly isPlaintext: boolean;
  /** Checked; `keyPatternOf` in object-key.ts fills it. */
  readonly key: string | undefined;
  readonly credentials: S3CredentialSources | undefined;
  readonly storageClass: string | undefined;
  readonly encryption:
    | {
        readonly sse: 'AES256' | 'aws:kms';
        readonly kmsKeyId: string | undefined;
        readonly bucketKey: boolean | undefined;
      }
    | undefined;
  readonly lock: { readonly mode: 'GOVERNANCE' | 'COMPLIANCE'; readonly retainMs: number } | undefined;
  readonly legalHold: boolean;
  readonly metadata: Readonly<Record<string, string>>;
  readonly tags: Readonly<Record<string, string>> | undefined;
  /** Undefined: looked at where the job reads back, else the answer to the put counts where it proves something. */
  readonly verify: 'checksum' | 'read' | undefined;
  readonly multipartOctets: number;
  readonly manifest: boolean;
}

export interface S3CredentialSources {
  readonly accessKeyId: string;
  readonly secretAccessKey: SecretSource;
  readonly sessionToken: SecretSource | undefined;
}

/** A path with placeholders, checked; `expandPath` in placeholders.ts fills it safely. Absolute. */
export interface PathTemplate {
  readonly text: string;
}

export interface SelectRules {
  readonly olderThanMs: number | undefined;
  readonly newerThanMs: number | undefined;
  readonly largerThanOctets: number | undefined;
  readonly smallerThanOctets: number | undefined;
}

/** What may be deleted at the server. Undefined keys do not limit. */
export interface DeletionDefinition {
  readonly ageMs: number;
  readonly max: number | undefined;
  readonly maxPercent: number | undefined;
  readonly keepNewest: number | undefined;
  readonly keepForMs: number | undefined;
  readonly keepBelowOctets: number | undefined;
}

export interface Limits {
  /** Accounts at the same time. */
  readonly accounts: number;
  /** Accounts at the same time on one host. */
  readonly perHost: number;
  /** Logins on one host in a minute, over all accounts; undefined: as fast as they come. */
  readonly loginsPerMinute: number | undefined;
  /** Commands in flight in one session, where the server announces PIPELINING. */
  readonly pipeline: number;
  /** What one session may fetch; undefined for no limit. */
  readonly octetsPerSession: number | undefined;
  readonly messagesPerSession: number | undefined;
  /** What may be fetched of one account on one day, UTC; undefined for no limit. */
  readonly octetsPerDay: number | undefined;
  /** What all sessions together may read; undefined for no limit. */
  readonly octetsPerSecond: number | undefined;
  /** Longest silence in the middle of an answer. */
  readonly timeoutMs: number;
  /** Longest wait for a lock, a delay or a server that does not answer, before an account is left to the next run. */
  readonly patienceMs: number;
  readonly connectTimeoutMs: number;
  readonly greetingTimeoutMs: number;
  readonly loginTimeoutMs: number;
  /** From a command to the first octet of its answer; a server may render a message on demand. */
  readonly firstOctetTimeoutMs: number;
  /** Runs in which a message may fail through itself before it is quarantined. */
  readonly attempts: number;
  /** Most octets that are kept of what arrived of a message that failed. */
  readonly partOctets: number;
  /** Memory for large messages while they pass through, over all accounts. */
  readonly memoryOctets: number;
  /** Longest life of one session; undefined for no end. */
  readonly sessionTimeoutMs: number | undefined;
}

export interface Job {
  readonly name: string;
  /** The file it was read from; relative paths were resolved against its folder. */
  readonly file: string;
  readonly statePath: string;
  readonly accounts: readonly AccountDefinition[];
  readonly sinks: readonly SinkDefinition[];
  readonly select: SelectRules;
  /** Read back what was written before a receipt counts. */
  readonly isReadingBack: boolean;
  /** Undefined: nothing is ever deleted. */
  readonly deletion: DeletionDefinition | undefined;
  readonly limits: Limits;
  /** What is unwise but allowed: a password in the file, plaintext over a network. */
  readonly warnings: readonly JobProblem[];
}

/** One thing wrong (or unwise) with a job definition. */
export interface JobProblem {
  readonly file: string;
  /** 1-based; undefined where the file itself is the problem. */
  readonly line: number | undefined;
  /** `accounts[1].port`; empty for the whole document. */
  readonly path: string;
  /** What is wrong, what was expected, what came. */
  readonly text: string;
}
