/**
 * Random lives of a job: what is in the mailboxes, what happens to them between the runs, what the server does wrong and where
 * the program fails. Plain data, so that fast-check can shrink it and a found case can be kept as an example.
 */
import fc from 'fast-check';
import type { MessageInput } from '../../src/demo/mailbox.ts';
import * as wrong from '../../src/demo/misbehaviour.ts';
import type { Misbehaviour } from '../../src/demo/misbehaviour-switch.ts';
import type { DeletionRules } from '../../src/pipeline/decide-deletion.ts';

/** Few texts and few unique-ids, so that equal ones occur. */
export interface MessageModel {
  readonly text: number;
  /** Undefined: one that the server gives, used once. */
  readonly uidl: string | undefined;
}

/** What happens to a mailbox while nobody looks. `at` is taken modulo the number of messages. */
export type Change =
  | { readonly kind: 'arrives'; readonly message: MessageModel }
  | { readonly kind: 'vanishes'; readonly at: number }
  | { readonly kind: 'is renamed'; readonly at: number; readonly uidl: string }
  | { readonly kind: 'gives its unique-id to'; readonly at: number; readonly text: number }
  | { readonly kind: 'is listed larger'; readonly at: number; readonly by: number };

export interface RunModel {
  readonly before: readonly Change[];
  readonly faults: readonly FaultModel[];
  /** Fails at the n-th step, and at every one behind it; undefined: never. */
  readonly failsAt: number | undefined;
  /** Is asked to stop cleanly at the n-th step. */
  readonly stopsAt: number | undefined;
  /** Fetches quarantined messages again. */
  readonly isRetrying: boolean;
  readonly rules: DeletionRules | undefined;
}

/** `nth`: strikes from the n-th such command on, `times` times. */
export interface FaultModel {
  readonly kind: keyof typeof FAULTS;
  readonly nth: number;
  readonly times: number;
}

export interface LifeModel {
  readonly mail: readonly MessageModel[];
  readonly pipeline: number;
  readonly batch: number;
  /** Runs in which a message may fail; then it is quarantined. */
  readonly attempts: number;
  /** A server that has no UIDL has none for all its life. */
  readonly hasUidl: boolean;
  readonly runs: readonly RunModel[];
}

type Fault = (skip: number, times: number) => Misbehaviour;

/** A server that answers wrongly for a while. None of them deletes what it was not asked to. */
export const FAULTS = {
  'RETR refused': (skip, times) => wrong.refused({ verb: 'RETR', skip, times }),
  'RETR cut': (skip, times) => wrong.stoppedAfter({ verb: 'RETR', skip, times }, 30, 'fin'),
  'RETR without its end': (skip, times) => wrong.stoppedBeforeTerminator({ verb: 'RETR', skip, times }),
  'RETR then gone': (skip, times) => wrong.endedAfter({ verb: 'RETR', skip, times }),
  'TOP refused': (skip, times) => wrong.refused({ verb: 'TOP', skip, times }),
  'DELE refused': (skip, times) => wrong.refused({ verb: 'DELE', skip, times }),
  'DELE ignored': (skip, times) => wrong.deleIgnored({ skip, times }),
  'DELE then gone': (skip, times) => wrong.endedAfter({ verb: 'DELE', skip, times }, 'rst'),
  'QUIT refused': () => wrong.quitRefused(),
  'QUIT unanswered, done': () => wrong.quitUnanswered({ isCommitted: true }),
  'QUIT unanswered, not done': () => wrong.quitUnanswered({ isCommitted: false }),
  'UIDL refused': (skip, times) => wrong.refused({ verb: 'UIDL', skip, times }),
  'sizes too large': () => wrong.wrongSizes((octets) => octets + 500_000),
  'STAT wrong': () => wrong.statSays('3 17'),
  'small pieces': () => wrong.inPieces(7),
} satisfies Record<string, Fault>;

const LONG = 'x'.repeat(80);

/**
 * The texts differ in their header too: by size and header alone one cannot be taken for another. They differ in size, and no
 * wrong size is the size of another: a unique-id that is used again under the same size cannot be told without fetching.
 */
const TEXTS: readonly Buffer[] = [
  Buffer.alloc(0),
  'Subject: a\r\n\r\nplain\r\n',
  'Subject: b\r\n\r\nFrom here\r\n>From there\r\n',
  'Subject: c\r\n\r\nbare\nFrom x\n',
  'Subject: d\r\n\r\nno end',
  'Subject: e\r\n\r\n.\r\n..\r\n.x\r\n',
  `Subject: f\r\n\r\n${'..From a spool\r\n'.repeat(6000)}`,
  'Subject: g\r\n\r\nanother one\r\n',
].map((text) => (Buffer.isBuffer(text) ? text : Buffer.from(text, 'latin1')));

export function toInput({ text, uidl }: MessageModel): MessageInput {
  const content = contentOf(text);
  return uidl === undefined ? content : { content, uidl };
}

export function contentOf(text: number): Buffer {
  return TEXTS[text] ?? Buffer.alloc(0);
}

const uidl = fc.constantFrom('', 'a', 'b', 'c', 'with blank', '\xe4\xff', LONG);
const message: fc.Arbitrary<MessageModel> = fc.record({
  text: fc.nat(TEXTS.length - 1),
  uidl: fc.option(uidl, { nil: undefined, freq: 2 }),
});
const at = fc.nat(9);

const change: fc.Arbitrary<Change> = fc.oneof(
  fc.record({ kind: fc.constant('arrives' as const), message }),
  fc.record({ kind: fc.constant('vanishes' as const), at }),
  fc.record({ kind: fc.constant('is renamed' as const), at, uidl }),
  fc.record({ kind: fc.constant('gives its unique-id to' as const), at, text: fc.nat(TEXTS.length - 1) }),
  fc.record({ kind: fc.constant('is listed larger' as const), at, by: fc.integer({ min: 1001, max: 1009 }) }),
);

const optional = <Value>(value: fc.Arbitrary<Value>): fc.Arbitrary<Value | undefined> =>
  fc.option(value, { nil: undefined, freq: 1 });

const rules: fc.Arbitrary<DeletionRules> = fc.record({
  ageMs: fc.constantFrom(0, 0, 0, 60_000),
  max: optional(fc.nat(4)),
  maxPercent: fc.option(fc.integer({ min: 1, max: 100 }), { nil: undefined, freq: 4 }),
  keepNewest: fc.option(fc.nat(3), { nil: undefined, freq: 3 }),
  keepForMs: fc.constantFrom(undefined, undefined, 60_000),
  keepBelowOctets: fc.option(fc.nat(300), { nil: undefined, freq: 4 }),
});

// The literals of a record's keys are what Object.keys gives.
const faultKinds = Object.keys(FAULTS) as (keyof typeof FAULTS)[];
const fault: fc.Arbitrary<FaultModel> = fc.record({
  kind: fc.constantFrom(...faultKinds),
  nth: fc.nat(5),
  times: fc.integer({ min: 1, max: 3 }),
});

const run: fc.Arbitrary<RunModel> = fc.record({
  before: fc.array(change, { maxLength: 3 }),
  faults: fc.array(fault, { maxLength: 2 }),
  // Without a bias to small numbers: before the tenth step nothing has happened.
  failsAt: fc.option(fc.noBias(fc.integer({ min: 10, max: 70 })), { nil: undefined, freq: 2 }),
  stopsAt: fc.option(fc.integer({ min: 1, max: 60 }), { nil: undefined, freq: 1 }),
  isRetrying: fc.boolean(),
  rules: fc.option(rules, { nil: undefined, freq: 4 }),
});

export const life: fc.Arbitrary<LifeModel> = fc.record({
  mail: fc.array(message, { minLength: 1, maxLength: 7, size: 'max' }),
  pipeline: fc.constantFrom(1, 3, 64),
  batch: fc.constantFrom(1, 2, 256),
  attempts: fc.constantFrom(1, 2, 3),
  hasUidl: fc.constantFrom(true, true, true, true, false),
  runs: fc.array(run, { minLength: 1, maxLength: 3 }),
});
