/**
 * Sends an answer: whole and fast, or as a misbehaviour wants it sent. It must not know what the answer is about.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { type Answer, type Delivery, octetsOf } from './answer.ts';
import type { Wire } from './wire.ts';

/** Resolves when the answer is written, or when it was stopped and the connection is gone. */
export async function deliver(answer: Answer, wire: Wire, signal: AbortSignal): Promise<void> {
  const delivery = answer.delivery;
  if (delivery === undefined) {
    for await (const octets of octetsOf(answer)) {
      if (wire.isClosed) {
        return;
      }
      await wire.write(octets);
    }
    return;
  }
  await wire.flush();
  await wait(delivery.firstPauseMs, signal);
  for await (const piece of pieces(limited(octetsOf(answer), delivery.stopAfterOctets), delivery)) {
    await wait(delivery.pauseMs, signal);
    if (wire.isClosed) {
      return;
    }
    await wire.write(piece);
    await wire.flush();
  }
  if (delivery.ending !== undefined) {
    await wire.end(delivery.ending);
  }
}

async function* pieces(octets: AsyncIterable<Buffer>, { pieceOctets }: Delivery): AsyncGenerator<Buffer> {
  for await (const chunk of octets) {
    const size = pieceOctets ?? Math.max(chunk.length, 1);
    for (let start = 0; start < chunk.length; start += size) {
      yield chunk.subarray(start, start + size);
    }
  }
}

/** Lets the first `limit` octets through, or all but the last `-limit`. */
async function* limited(
  octets: AsyncIterable<Buffer>,
  limit = Number.POSITIVE_INFINITY,
): AsyncGenerator<Buffer> {
  if (limit < 0) {
    yield* allButTheLast(octets, -limit);
    return;
  }
  let left = limit;
  for await (const chunk of octets) {
    yield chunk.subarray(0, left);
    left -= chunk.length;
    if (left <= 0) {
      return;
    }
  }
}

async function* allButTheLast(octets: AsyncIterable<Buffer>, withheld: number): AsyncGenerator<Buffer> {
  let held = Buffer.alloc(0);
  for await (const chunk of octets) {
    const both = Buffer.concat([held, chunk]);
    const cut = Math.max(both.length - withheld, 0);
    yield both.subarray(0, cut);
    held = both.subarray(cut);
  }
}

async function wait(ms: number | undefined, signal: AbortSignal): Promise<void> {
  if (ms !== undefined && !signal.aborted) {
    // Only the end of the server aborts it, and then there is nothing left to wait for.
    await pause(ms, undefined, { signal }).catch(() => undefined);
  }
}
