/** The command window and what fills it, on a connection without a socket and a clock that the test moves. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Bandwidth } from '../../src/pop3/bandwidth.ts';
import { command } from '../../src/pop3/command.ts';
import { CommandWindow } from '../../src/pop3/command-window.ts';
import { RefusedError } from '../../src/pop3/errors.ts';
import { Retrieval, type RetrievalReceiver, type RetrievalRequest } from '../../src/pop3/retrieval.ts';
import { NO_TRACE, type WireTrace } from '../../src/pop3/wire-trace.ts';
import { FakeLine } from './support/fake-line.ts';

const TIMEOUTS = { idleMs: 1_000, firstOctetMs: 5_000, sessionMs: undefined };

const opened: CommandWindow[] = [];

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  for (const window of opened.splice(0)) {
    window.close();
  }
  // A session that is over holds nothing up.
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

function open(
  commands = 1,
  octets = 1_000_000,
  abort = new AbortController(),
  bandwidth: Bandwidth | undefined = undefined,
  trace: WireTrace = NO_TRACE,
) {
  const line = new FakeLine();
  const window = new CommandWindow({
    transport: line,
    timeouts: TIMEOUTS,
    trace,
    signal: abort.signal,
    bandwidth,
  });
  window.widen(commands, octets);
  opened.push(window);
  return { line, window, abort };
}

type Request = RetrievalRequest;

/** Retrieves `requests`; `hold` entries hold until resume. What happens is noted in `said`. */
function retrieve(
  window: CommandWindow,
  requests: (Request | 'hold')[],
  extra: Partial<RetrievalReceiver<Request>> = {},
) {
  const said: string[] = [];
  let body = '';
  const noop = () =>
    new Promise<void>((resolve, reject) => {
      let isOk = false;
      window.send({
        command: command('NOOP'),
        isMultiLine: false,
        onStatus: ({ kind }) => {
          isOk = kind === 'ok';
        },
        onEnd: () => (isOk ? resolve() : reject(refusal())),
        onFailure: reject,
      });
    });
  const refusal = () =>
    new RefusedError('refused', {
      scope: 'message',
      retry: 'never',
      serverText: '',
      responseCode: undefined,
    });
  const retrieval = new Retrieval<Request>({ noop, refusal }, window, {
    next: () => requests.shift(),
    onOctets: (_, octets) => {
      body += octets.toString('latin1');
    },
    onComplete: ({ number }) => {
      said.push(`${number}:${body}`);
      body = '';
    },
    onRefused: ({ number }) => said.push(`${number} refused`),
    ...extra,
  });
  return { retrieval, said };
}

const message = (number: number, octets = 3): Request => ({ number, octets });

describe('Retrieval', () => {
  it('Q51: has one command in flight without PIPELINING (RFC-69)', async () => {
    const { line, window } = open(1);
    const { retrieval, said } = retrieve(window, [message(1), message(2)]);
    expect(line.writes).toEqual(['RETR 1\r\n']);
    line.arrives('+OK\r\na\r\n.\r\n');
    expect(line.writes).toEqual(['RETR 1\r\n', 'RETR 2\r\n']);
    line.arrives('+OK\r\nb\r\n.\r\n');
    await retrieval.done;
    expect(said).toEqual(['1:a\r\n', '2:b\r\n']);
  });

  it('fills the window in one write and refills it when half of the answers have come (RFC-69, RFC-70)', async () => {
    const { line, window } = open(3);
    const { retrieval, said } = retrieve(
      window,
      [1, 2, 3, 4, 5].map((number) => message(number)),
    );
    expect(line.writes).toEqual(['RETR 1\r\nRETR 2\r\nRETR 3\r\n']);
    line.arrives('+OK\r\na\r\n.\r\n');
    expect(line.writes).toHaveLength(1);
    line.arrives('-ERR no\r\n');
    expect(line.writes[1]).toBe('RETR 4\r\nRETR 5\r\n');
    line.arrives('+OK\r\nc\r\n.\r\n+OK\r\nd\r\n.\r\n+OK\r\ne\r\n.\r\n');
    await retrieval.done;
    expect(said).toEqual(['1:a\r\n', '2 refused', '3:c\r\n', '4:d\r\n', '5:e\r\n']);
  });

  it('begins with a few commands and has twice as many in flight with each round trip, up to the limit (RFC-69)', async () => {
    const { line, window } = open(300);
    const { retrieval } = retrieve(
      window,
      Array.from({ length: 900 }, (_, index) => message(index + 1)),
    );
    const inFlight = [window.inFlight];
    while (window.inFlight > 0) {
      line.arrives('+OK\r\na\r\n.\r\n'.repeat(window.inFlight));
      inFlight.push(window.inFlight);
    }
    await retrieval.done;
    expect(inFlight).toEqual([64, 127, 253, 300, 156, 0]);
  });

  it('asks for the next message while a large one arrives, as soon as the rest of it leaves room (RFC-70)', async () => {
    const { line, window } = open(64, 100);
    const { retrieval } = retrieve(window, [message(1, 90), message(2, 40)]);
    line.arrives(`+OK\r\n${'x'.repeat(30)}`);
    expect(line.writes).toEqual(['RETR 1\r\n']);
    line.arrives('x'.repeat(30));
    expect(line.writes).toEqual(['RETR 1\r\n', 'RETR 2\r\n']);
    line.arrives(`${'x'.repeat(28)}\r\n.\r\n+OK\r\n${'x'.repeat(38)}\r\n.\r\n`);
    await retrieval.done;
  });

  it('Q50: bounds the octets that are on their way; one message larger than the window goes alone (RFC-70)', async () => {
    const { line, window } = open(64, 100);
    const { retrieval } = retrieve(window, [message(1, 60), message(2, 60), message(3, 500)]);
    expect(line.writes).toEqual(['RETR 1\r\n']);
    line.arrives(`+OK\r\n${'x'.repeat(58)}\r\n.\r\n`);
    line.arrives(`+OK\r\n${'x'.repeat(58)}\r\n.\r\n`);
    expect(line.writes).toEqual(['RETR 1\r\n', 'RETR 2\r\n', 'RETR 3\r\n']);
    line.arrives(`+OK\r\n${'x'.repeat(498)}\r\n.\r\n`);
    await retrieval.done;
  });

  it('keeps the session alive by NOOP while the caller holds, whatever NOOP is answered (RFC-59)', async () => {
    const { line, window } = open(4);
    const requests: (Request | 'hold')[] = ['hold', 'hold', 'hold', message(1)];
    const { retrieval, said } = retrieve(window, requests);
    await vi.advanceTimersByTimeAsync(20_000);
    line.arrives('+OK\r\n');
    await vi.advanceTimersByTimeAsync(20_000);
    line.arrives('-ERR what\r\n');
    await vi.advanceTimersByTimeAsync(0);
    expect(line.writes.slice(0, 2)).toEqual(['NOOP\r\n', 'NOOP\r\n']);
    retrieval.resume();
    line.arrives('+OK\r\na\r\n.\r\n');
    await retrieval.done;
    expect(said).toEqual(['1:a\r\n']);
  });

  it('fails at once when the session ends while it holds, and leaves no timer', async () => {
    const { line, window } = open();
    const { retrieval } = retrieve(window, ['hold']);
    line.ends();
    await expect(retrieval.done).rejects.toThrow(/closed the connection/);
  });

  it('asks for nothing more once the session has failed', async () => {
    const { line, window } = open(2);
    const requests = [1, 2, 3, 4, 5].map((number) => message(number));
    const { retrieval } = retrieve(window, requests);
    line.ends();
    await expect(retrieval.done).rejects.toThrow();
    retrieval.resume();
    // Two are in flight, the third was taken and waits for room.
    expect(requests).toHaveLength(2);
  });

  it('Q16: does not complete a message whose size differs before the next answer has begun (RFC-24, RFC-54)', async () => {
    const { line, window } = open(1);
    const { retrieval, said } = retrieve(window, [message(1, 999), message(2, 999)]);
    line.arrives('+OK\r\na\r\n.\r\n');
    expect(said).toEqual([]);
    line.arrives('+OK\r\nb\r\n.\r\n');
    expect(said).toEqual(['1:a\r\n']);
    expect(line.writes.at(-1)).toBe('NOOP\r\n');
    line.arrives('+OK\r\n');
    await retrieval.done;
    expect(said).toEqual(['1:a\r\n', '2:b\r\n']);
  });

  it('Q26: never completes the part before a lone dot of a server that does not stuff, at no cut (RFC-24)', async () => {
    const wire = '+OK\r\nfirst part\r\n.\r\nsecond part\r\n.\r\n';
    for (let cut = 1; cut < wire.length; cut += 1) {
      const { line, window } = open(1);
      const { retrieval, said } = retrieve(window, [message(1, 30)]);
      line.arrives(wire.slice(0, cut));
      line.arrives(wire.slice(cut));
      await expect(retrieval.done).rejects.toThrow();
      expect(said).toEqual([]);
    }
  });

  it('Q26: shows nobody what comes behind a lone dot: it is part of a message, in errors and in the trace too', async () => {
    const wire = '+OK\r\nfirst\r\n.\r\n+1 for the private part\r\n.\r\n';
    for (const commands of [1, 2]) {
      for (let cut = 1; cut < wire.length; cut += 1) {
        const traced: string[] = [];
        const note = (text: string): void => void traced.push(text);
        const trace = { sent: note, received: note, noted: note };
        const { line, window } = open(commands, 1_000_000, undefined, undefined, trace);
        const { retrieval } = retrieve(window, [message(1, 30), message(2, 30)]);
        line.arrives(wire.slice(0, cut));
        line.arrives(wire.slice(cut));
        const failure: unknown = await retrieval.done.catch((cause: unknown) => cause);
        expect(failure).toMatchObject({ code: 'pop3-unsolicited' });
        expect(`${String(failure)} ${traced.join(' ')}`).not.toMatch(/private|\+1/);
      }
    }
  });

  it('Q20, Q25: never completes a message whose answer was cut off, at no cut (RFC-24)', async () => {
    const wire = '+OK\r\na\r\n..\r\n.\r\n';
    for (let cut = 0; cut < wire.length; cut += 1) {
      const { line, window } = open(1);
      const { retrieval, said } = retrieve(window, [message(1, 6)]);
      line.arrives(wire.slice(0, cut));
      line.ends(cut % 2 === 0 ? undefined : new Error('ECONNRESET'));
      await expect(retrieval.done).rejects.toMatchObject({ code: 'connection-closed' });
      expect(said).toEqual([]);
    }
  });

  it('Q24: believes a doubtful end where the server hangs up in order behind it, not where the connection breaks', async () => {
    for (const [cause, expected] of [
      [undefined, ['1:a\r\n']],
      [new Error('ECONNRESET'), []],
    ] as const) {
      const { line, window } = open(1);
      const { retrieval, said } = retrieve(window, [message(1, 99)]);
      line.arrives('+OK\r\na\r\n.\r\n');
      line.ends(cause);
      await expect(retrieval.done).rejects.toThrow();
      expect(said).toEqual(expected);
    }
  });

  it.each(['next', 'onOctets', 'onComplete', 'onRefused'] as const)(
    'ends the session, and does not hang, where the caller throws in %s',
    async (name) => {
      const { line, window } = open(1);
      const fails = () => {
        throw new Error('the caller is broken');
      };
      const { retrieval } = retrieve(window, [message(1)], { [name]: fails });
      line.arrives(name === 'onRefused' ? '-ERR\r\n' : '+OK\r\na\r\n.\r\n');
      await expect(retrieval.done).rejects.toThrow('the caller is broken');
      expect(line.isDestroyed).toBe(true);
    },
  );

  it('stops reading while the receiver waits, without a deadline for the server meanwhile', async () => {
    const { line, window } = open(2);
    let goOn: () => void = () => undefined;
    const wait = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    const { retrieval, said } = retrieve(window, [message(1), 'hold', message(2)], { onOctets: () => wait });
    line.arrives('+OK\r\na\r\n');
    expect(line.isPaused).toBe(true);
    retrieval.resume();
    await vi.advanceTimersByTimeAsync(60_000);
    goOn();
    await vi.advanceTimersByTimeAsync(0);
    expect(line.isPaused).toBe(false);
    line.arrives('.\r\n+OK\r\nb\r\n.\r\n');
    await retrieval.done;
    expect(said).toHaveLength(2);
  });

  it('ends the session where the receiver rejects', async () => {
    const { line, window } = open(1);
    const { retrieval } = retrieve(window, [message(1)], {
      onOctets: () => Promise.reject(new Error('disk')),
    });
    line.arrives('+OK\r\na\r\n');
    await expect(retrieval.done).rejects.toThrow('disk');
  });
});

describe('answers that are mixed up', () => {
  it('Q49: end the session where the body of one opens with the status line of the next, at every cut', async () => {
    const wire = '+OK\r\n+OK\r\na\r\n.\r\n';
    for (let cut = 1; cut < wire.length; cut += 1) {
      const { line, window } = open(2);
      const { retrieval, said } = retrieve(window, [message(1), message(2)]);
      line.arrives(wire.slice(0, cut));
      line.arrives(wire.slice(cut));
      await expect(retrieval.done).rejects.toMatchObject({ code: 'pop3-interleaved', retry: 'later' });
      expect(said).toEqual([]);
    }
  });

  it('Q49: a message that opens so is believed where it has its size, or was asked for alone', async () => {
    const { line, window } = open(2);
    const { retrieval, said } = retrieve(window, [message(1, 7), message(2, 99)]);
    line.arrives('+OK\r\n+OK x\r\n.\r\n+OK\r\n-ERR y\r\n.\r\n');
    line.arrives('+OK\r\n');
    await retrieval.done;
    expect(said).toEqual(['1:+OK x\r\n', '2:-ERR y\r\n']);
  });

  it('Q49, Q50: tells how many answers came ahead, and how many commands sent ahead had none when it failed', async () => {
    const { line, window } = open(3);
    const requests = [1, 2, 3, 4, 5].map((number) => message(number));
    const { retrieval } = retrieve(window, requests);
    line.arrives('+OK\r\na\r\n.\r\n+OK\r\nb\r\n.\r\n');
    expect(window.pipelining).toEqual({ answersAhead: 1, lostAhead: 0 });
    line.ends();
    await expect(retrieval.done).rejects.toThrow();
    expect(window.pipelining).toEqual({ answersAhead: 1, lostAhead: 3 });
  });
});

describe('a limited bandwidth', () => {
  it('pauses reading, and the pause is not taken for silence of the server', async () => {
    const { line, window } = open(1, 1_000_000, undefined, new Bandwidth(1_000, () => Date.now()));
    const { retrieval, said } = retrieve(window, [message(1, 60_002)]);
    line.arrives('+OK\r\n');
    line.arrives(`${'x'.repeat(60_000)}`);
    expect(line.isPaused).toBe(true);
    // Longer than any deadline of this session.
    await vi.advanceTimersByTimeAsync(59_000);
    expect(line.isPaused).toBe(true);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(line.isPaused).toBe(false);
    line.arrives('\r\n.\r\n');
    await retrieval.done;
    expect(said).toHaveLength(1);
  });

  it('still ends a session whose server is silent after the pause, and one that fails in it at once', async () => {
    const slow = () => new Bandwidth(1_000, () => Date.now());
    const { line, window } = open(1, 1_000_000, undefined, slow());
    const silent = expect(retrieve(window, [message(1, 9_999)]).retrieval.done).rejects.toMatchObject({
      code: 'connection-silent',
    });
    line.arrives(`+OK\r\n${'x'.repeat(5_000)}`);
    await vi.advanceTimersByTimeAsync(7_000);
    await silent;
    const other = open(1, 1_000_000, undefined, slow());
    const closed = expect(retrieve(other.window, [message(1, 9_999)]).retrieval.done).rejects.toMatchObject({
      code: 'connection-closed',
    });
    other.line.arrives(`+OK\r\n${'x'.repeat(5_000)}`);
    other.line.ends();
    await closed;
  });
});

describe('the deadlines of CommandWindow', () => {
  it('Q34: a status line must be whole in time, however the server drips it', async () => {
    const { line, window } = open(1);
    const { retrieval } = retrieve(window, [message(1)]);
    const failed = expect(retrieval.done).rejects.toMatchObject({ code: 'connection-silent' });
    for (let second = 0; second < 5; second += 1) {
      line.arrives('+');
      await vi.advanceTimersByTimeAsync(1_000);
    }
    await failed;
  });

  it('Q34: a body may take as long as it goes on, and no longer than the silence allowed', async () => {
    const { line, window } = open(1);
    const { retrieval, said } = retrieve(window, [message(1)]);
    const failed = expect(retrieval.done).rejects.toMatchObject({ code: 'connection-silent' });
    line.arrives('+OK\r\n');
    for (let turn = 0; turn < 50; turn += 1) {
      await vi.advanceTimersByTimeAsync(900);
      line.arrives('x');
    }
    await vi.advanceTimersByTimeAsync(1_000);
    await failed;
    expect(said).toEqual([]);
  });

  it('an abort ends the session at once, also one that came before it began', async () => {
    const { window, abort } = open(1);
    const { retrieval } = retrieve(window, [message(1)]);
    abort.abort();
    await expect(retrieval.done).rejects.toMatchObject({ code: 'connection-aborted' });
    const late = open(1, 1, abort);
    await expect(retrieve(late.window, ['hold']).retrieval.done).rejects.toMatchObject({
      code: 'connection-aborted',
    });
  });

  it('what is asked behind QUIT fails and does not wait for ever', async () => {
    const { window } = open(2);
    const { retrieval } = retrieve(window, [message(1)]);
    window.close();
    await expect(retrieval.done).rejects.toThrow('the session is over');
  });
});
