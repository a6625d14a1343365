import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openSpool } from '../../src/message/spool.ts';
import type { WantedMessage } from '../../src/pipeline/classify-listing.ts';
import { FetchBudget, NO_BUDGETS } from '../../src/pipeline/fetch-budget.ts';
import { Intake } from '../../src/pipeline/intake.ts';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mailferry-intake-'));
});

afterEach(() => rmSync(folder, { recursive: true }));

function intakeOf(count: number, limits = { messages: 100, octets: 1_000_000 }): Intake {
  const wanted = Array.from(
    { length: count },
    (_, index): WantedMessage => ({
      kind: 'new',
      number: index + 1,
      uidl: `u${index}`,
      listedOctets: 4,
      rowId: undefined,
    }),
  );
  return new Intake({
    wanted,
    spool: openSpool(folder),
    limits,
    stopSignal: new AbortController().signal,
    budget: new FetchBudget(NO_BUDGETS, undefined),
    isFirstAlone: false,
    onProgress: () => undefined,
  });
}

/** Asks for the next message, whose answer the caller gives by what is returned. */
function ask(intake: Intake): () => void {
  const request = intake.next();
  if (request === undefined || request === 'hold') {
    throw new Error(`asked for a message and got ${request}`);
  }
  return () => {
    intake.onOctets(request, Buffer.from('a\r\n\n'));
    intake.onComplete(request);
  };
}

const numbersOf = async (intake: Intake): Promise<number[] | undefined> =>
  (await intake.nextBatch())?.fetched.map(({ wanted }) => wanted.number);

it('gives out what has come when nothing more was asked for', async () => {
  const intake = intakeOf(3);
  const [first, second] = [ask(intake), ask(intake)];
  first();
  second();
  expect(await numbersOf(intake)).toEqual([1, 2]);
});

it('goes on gathering over a short pause of the line', async () => {
  const intake = intakeOf(2);
  const [first, second] = [ask(intake), ask(intake)];
  first();
  const batch = numbersOf(intake);
  await sleep(1);
  second();
  expect(await batch).toEqual([1, 2]);
});

it('does not wait for a line that is quiet', async () => {
  const intake = intakeOf(2);
  const [first, second] = [ask(intake), ask(intake)];
  first();
  expect(await numbersOf(intake)).toEqual([1]);
  second();
  intake.end();
  expect([await numbersOf(intake), await numbersOf(intake)]).toEqual([[2], undefined]);
});

it('gives out a full batch, and asks for no more until it is taken', async () => {
  const intake = intakeOf(3, { messages: 2, octets: 1_000_000 });
  const [first, second] = [ask(intake), ask(intake)];
  first();
  second();
  expect(intake.next()).toBe('hold');
  expect(await numbersOf(intake)).toEqual([1, 2]);
  ask(intake)();
  expect(await numbersOf(intake)).toEqual([3]);
});
