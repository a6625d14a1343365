/**
 * What an S3 sink can be told: plain data with every value present, and the doors by which tests come in. It must not know
 * how a job says it.
 */
import { randomInt } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Failpoint } from '../../errors/failpoint.ts';
import type { SinkAccount } from '../sink.ts';
import type { KeyPattern } from './key.ts';
import type { EncryptionSettings, LockMode, ObjectStore } from './object-store.ts';

export interface S3Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string | undefined;
}

/** How to reach the store. */
export interface S3StoreOptions {
  readonly bucket: string;
  /** Undefined: from the environment or the profile, as AWS's tools do. */
  readonly region: string | undefined;
  /** Undefined: AWS. */
  readonly endpoint: string | undefined;
  readonly forcePathStyle: boolean;
  /** Asked again when they have expired. Undefined: AWS's default chain (environment, profile, web identity, instance role). */
  readonly credentials: (() => Promise<S3Credentials>) | undefined;
  /** Sockets that are kept open. */
  readonly connections: number;
  readonly timeouts: { readonly connectMs: number; readonly idleMs: number };
}

export interface LockSettings {
  readonly mode: LockMode;
  readonly retainMs: number;
}

export interface S3SinkOptions {
  readonly name: string;
  readonly store: Omit<S3StoreOptions, 'connections'>;
  /** Default: `defaultPattern` of key.ts. The account's key is opaque: hex digits that follow from its id. */
  readonly patternFor?: ((account: SinkAccount, accountKey: string) => KeyPattern) | undefined;
  readonly storageClass?: string | undefined;
  readonly encryption?: EncryptionSettings | undefined;
  readonly lock?: LockSettings | undefined;
  readonly legalHold?: boolean | undefined;
  readonly metadata?: Readonly<Record<string, string>> | undefined;
  readonly tags?: Readonly<Record<string, string>> | undefined;
  /**
   * `checksum`: the store is asked what it holds, and its own checksum counts where it is to be believed. `read`: the octets
   * are always got back and hashed. `answer`: the answer to the put is enough for a receipt that is durable and not verified,
   * where a probe has shown that it proves something.
   */
  readonly verify: 'answer' | 'checksum' | 'read';
  readonly manifest: boolean;
  /** An existing folder for what is known of the store and for manifests on their way. */
  readonly statePath: string;
  /** Longest time that one message is tried again before the sink is given up for this run. */
  readonly patienceMs: number;
  readonly limits?: Partial<S3Limits> | undefined;
  /** For tests. */
  readonly clock?: S3Clock | undefined;
  /** For tests. */
  readonly failpoint?: Failpoint | undefined;
  /** For tests: a store that is none. */
  readonly openStore?: ((options: S3StoreOptions) => ObjectStore) | undefined;
}

export interface S3Limits {
  /** Requests in flight for one account. */
  readonly perAccount: number;
  /** Requests in flight for the whole sink. */
  readonly total: number;
  /** A larger message goes up in parts. */
  readonly multipartOctets: number;
  readonly partOctets: number;
}

export const DEFAULT_S3_LIMITS: S3Limits = {
  perAccount: 32,
  total: 64,
  multipartOctets: 64 * 1024 * 1024,
  partOctets: 16 * 1024 * 1024,
};

export interface S3Clock {
  /** Milliseconds since 1970. */
  now(): number;
  /** From 0 (inclusive) to 1. */
  random(): number;
  /** @throws the signal's reason when it is aborted. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}

const RANDOM_STEPS = 1_000_000;

export const SYSTEM_CLOCK: S3Clock = {
  now: Date.now,
  random: () => randomInt(RANDOM_STEPS) / RANDOM_STEPS,
  sleep: async (ms, signal) => {
    await delay(ms, undefined, { signal });
  },
};
