/** Sessions of the client for tests: options with sane deadlines, and a server that follows a script given as text. */
import { onTestFinished } from 'vitest';
import type { openClient } from '../../../src/pop3/open-client.ts';
import type { WireTrace } from '../../../src/pop3/wire-trace.ts';
import { playServer } from '../../replay/scripted-server.ts';
import { parseTranscript } from '../../replay/transcript.ts';

type Options = Parameters<typeof openClient>[0];

export function optionsFor(port: number, extra: Partial<Options> = {}): Options {
  return {
    host: '127.0.0.1',
    port,
    security: 'plaintext',
    auth: 'USER-PASS',
    tls: { caPath: undefined, fingerprints: [], serverName: undefined },
    timeouts: {
      connectMs: 10_000,
      greetingMs: 10_000,
      loginMs: 10_000,
      firstOctetMs: 10_000,
      idleMs: 10_000,
      sessionMs: undefined,
    },
    trace: { sent: () => undefined, received: () => undefined, noted: () => undefined },
    signal: new AbortController().signal,
    user: 'alice',
    password: 'secret',
    pipeline: 16,
    ...extra,
  };
}

/** Plays one session of a script (the lines of `test/replay/README.md`) and closes it when the test is over. */
export async function scripted(script: string): Promise<{ port: number; played: Promise<void> }> {
  const { steps } = parseTranscript('script', script);
  const server = await playServer(steps, (left) => left);
  onTestFinished(() => server.close());
  return server;
}

export interface RecordedTrace extends WireTrace {
  readonly lines: string[];
}

export function recordedTrace(): RecordedTrace {
  const lines: string[] = [];
  return {
    lines,
    sent: (line) => lines.push(`C: ${line}`),
    received: (line) => lines.push(`S: ${line}`),
    noted: (text) => lines.push(`-- ${text}`),
  };
}
