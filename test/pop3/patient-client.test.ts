/** A session over long times and long listings: a clock that the test moves, and a connection without a socket. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { readListing } from '../../src/pipeline/listing.ts';
import { type ClientTransport, Pop3Client } from '../../src/pop3/client.ts';
import { CommandWindow } from '../../src/pop3/command-window.ts';
import { NO_TRACE } from '../../src/pop3/wire-trace.ts';
import { FakeLine } from './support/fake-line.ts';

const MINUTE_MS = 60_000;
const GREETING = { text: '', apopTimestamp: undefined };
const NO_TLS: ClientTransport = {
  tlsFacts: undefined,
  endpoint: { host: '', port: 0, tls: { caPath: undefined, fingerprints: [], serverName: undefined } },
  channelBinding: undefined,
  startTls: () => Promise.reject(new Error('no TLS here')),
};

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

function open() {
  const line = new FakeLine();
  const timeouts = { idleMs: MINUTE_MS, firstOctetMs: MINUTE_MS, sessionMs: undefined };
  const { signal } = new AbortController();
  const window = new CommandWindow({ transport: line, timeouts, trace: NO_TRACE, signal });
  return { line, client: new Pop3Client(GREETING, window, NO_TLS, 5 * MINUTE_MS) };
}

describe('a session in which nothing is asked', () => {
  it('Q43, RFC-59: is kept alive by NOOP for as long as it takes, whatever NOOP is answered', async () => {
    const { line, client } = open();
    client.enterTransaction(16, 1_000_000);
    for (const answer of ['+OK\r\n', '-ERR unknown command\r\n', '+OK\r\n']) {
      await vi.advanceTimersByTimeAsync(20_000);
      line.arrives(answer);
    }
    expect(line.writes).toEqual(['NOOP\r\n', 'NOOP\r\n', 'NOOP\r\n']);
    const dele = client.dele(1);
    line.arrives('+OK\r\n');
    await dele;
    client.drop(new Error('the test is over'));
  });

  it('Q43: is left alone before login, and within a message', async () => {
    const { line, client } = open();
    await vi.advanceTimersByTimeAsync(20_000);
    client.enterTransaction(1, 1_000_000);
    const retrieval = client.retrieve({
      next: () => ({ number: 1, octets: 3 }),
      onOctets: () => undefined,
      onComplete: () => undefined,
      onRefused: () => undefined,
    });
    line.arrives('+OK\r\na');
    await vi.advanceTimersByTimeAsync(50_000);
    expect(line.writes).toEqual(['RETR 1\r\n']);
    client.drop(new Error('the test is over'));
    await expect(retrieval.done).rejects.toThrow('the test is over');
  });

  it('Q43: that the server ends all the same fails at the next command, and leaves no timer', async () => {
    const { line, client } = open();
    client.enterTransaction(1, 1_000_000);
    await vi.advanceTimersByTimeAsync(20_000);
    line.ends();
    await expect(client.dele(1)).rejects.toThrow(/closed the connection/);
  });

  it('asks nothing more once QUIT is answered', async () => {
    const { line, client } = open();
    client.enterTransaction(1, 1_000_000);
    const quit = client.quit();
    line.arrives('+OK\r\n');
    await quit;
    await vi.advanceTimersByTimeAsync(MINUTE_MS);
    expect(line.writes).toEqual(['QUIT\r\n']);
  });
});

describe('a server that takes its time', () => {
  it('Q47: at PASS has as long as the login may take, not only as long as other answers', async () => {
    const { line, client } = open();
    const pass = client.ask({ octets: Buffer.from('PASS x\r\n'), shown: 'PASS ****' });
    await vi.advanceTimersByTimeAsync(4 * MINUTE_MS);
    line.arrives('+OK\r\n');
    expect(await pass).toMatchObject({ kind: 'ok' });
    const silent = client.ask({ octets: Buffer.from('PASS x\r\n'), shown: 'PASS ****' });
    silent.catch(() => undefined);
    await vi.advanceTimersByTimeAsync(5 * MINUTE_MS);
    await expect(silent).rejects.toMatchObject({ failure: 'silent' });
  });
});

describe('a server that does not answer QUIT', () => {
  it.each([
    ['as long as any answer, where it commits something', undefined, MINUTE_MS],
    ['only as long as it is asked to, where it does not', 10_000, 10_000],
    ['no longer than any answer', 10 * MINUTE_MS, MINUTE_MS],
  ])('Q38: is waited for %s', async (_, answerMs, expectedMs) => {
    const { line, client } = open();
    client.enterTransaction(1, 1_000_000);
    const quit = client.quit(answerMs === undefined ? {} : { answerMs });
    quit.catch(() => undefined);
    await vi.advanceTimersByTimeAsync(expectedMs - 1);
    expect(line.isDestroyed).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    await expect(quit).rejects.toMatchObject({ failure: 'silent' });
  });
});

describe('a listing without end', () => {
  const LONG = 'x'.repeat(15_000);

  it('Q17: of long unique-ids is given up before it fills memory', async () => {
    const { line, client } = open();
    client.enterTransaction(1, 1_000_000);
    const listing = readListing(client);
    listing.catch(() => undefined);
    line.arrives('+OK 1000000000 5\r\n');
    await vi.advanceTimersByTimeAsync(0);
    line.arrives('+OK\r\n.\r\n');
    await vi.advanceTimersByTimeAsync(0);
    line.arrives('+OK\r\n');
    for (let number = 1; number < 100_000 && !line.isDestroyed; number += 1) {
      line.arrives(`${number} ${LONG}\r\n`);
    }
    await expect(listing).rejects.toThrow(/more than 268435456 octets of unique-ids/);
  });
});

describe('a huge maildrop', () => {
  const LINES = 1_000_000;

  it('Q48: a listing of a million lines is handed on line by line', async () => {
    const { line, client } = open();
    client.enterTransaction(1, 1_000_000);
    let count = 0;
    let octets = 0;
    const list = client.list((number, size) => {
      count += number === count + 1 ? 1 : 0;
      octets += size;
    });
    line.arrives('+OK\r\n');
    let chunk = '';
    for (let number = 1; number <= LINES; number += 1) {
      chunk += `${number} 10\r\n`;
      if (chunk.length > 65_000) {
        line.arrives(chunk);
        chunk = '';
      }
    }
    line.arrives(`${chunk}.\r\n`);
    await list;
    expect([count, octets]).toEqual([LINES, LINES * 10]);
    client.drop(new Error('the test is over'));
  });
});
