/**
 * What is done with the server of a transcript: by default a whole session (STAT, UIDL, LIST, RETR of all that is listed, QUIT).
 * It gives back what the client made of it, in lines that a transcript can hold.
 */
import { textOf } from '../../src/errors/mailferry-error.ts';
import type { Pop3Client } from '../../src/pop3/client.ts';
import { RefusedError } from '../../src/pop3/errors.ts';
import type { AuthChoice } from '../../src/pop3/login.ts';
import { openClient } from '../../src/pop3/open-client.ts';
import { NO_TRACE } from '../../src/pop3/wire-trace.ts';
import { escaped, type Transcript } from './transcript.ts';

export async function drive(port: number, { settings }: Transcript): Promise<string[]> {
  const outcome: string[] = [];
  const say = (line: string) => outcome.push(line);
  const steps = (settings.get('do') ?? 'stat uidl list retr quit').split(' ').filter((word) => word !== '');
  let client: Pop3Client | undefined;
  try {
    client = await openClient(optionsOf(port, settings));
    say(`logged in, ${client.capabilities === undefined ? 'no CAPA' : 'CAPA'}`);
    const listed: { number: number; octets: number }[] = [];
    for (const step of steps) {
      await STEPS[step]?.(client, say, listed);
    }
  } catch (thrown) {
    const code = thrown instanceof Error && 'code' in thrown ? String(thrown.code) : textOf(thrown);
    say(`failed ${code}`);
  } finally {
    client?.drop(new Error('the test is over'));
  }
  return outcome;
}

function optionsOf(port: number, settings: ReadonlyMap<string, string>): Parameters<typeof openClient>[0] {
  const ms = Number(settings.get('timeout') ?? '10000');
  return {
    host: '127.0.0.1',
    port,
    // Settings are written by us, beside the transcript; a wrong word shows at once.
    security: (settings.get('security') ?? 'plaintext') as 'plaintext',
    auth: (settings.get('auth') ?? 'USER-PASS') as AuthChoice,
    tls: { caPath: undefined, fingerprints: [], serverName: undefined },
    timeouts: {
      connectMs: 10_000,
      greetingMs: ms,
      loginMs: ms,
      firstOctetMs: ms,
      idleMs: ms,
      sessionMs: undefined,
    },
    trace: NO_TRACE,
    signal: new AbortController().signal,
    user: settings.get('user') ?? 'alice',
    password: settings.get('password') ?? 'secret',
    pipeline: Number(settings.get('pipeline') ?? '16'),
  };
}

type Say = (line: string) => unknown;
type Drive = (client: Pop3Client, say: Say, listed: { number: number; octets: number }[]) => Promise<void>;

const STEPS: Readonly<Record<string, Drive>> = {
  stat: async (client, say) => {
    const { count, octets } = await client.stat();
    say(`stat ${count} ${octets}`);
  },
  uidl: async (client, say) => {
    const has = await client.uidl((number, uidl) =>
      say(`uidl ${number} [${escaped(Buffer.from(uidl, 'latin1'))}]`),
    );
    if (!has) {
      say('no uidl');
    }
  },
  list: async (client, say, listed) => {
    await client.list((number, octets) => {
      listed.push({ number, octets });
      say(`list ${number} ${octets}`);
    });
  },
  retr: retrieveAll,
  top: async (client, say) => {
    say(`top [${escaped(await client.top(1, 0))}]`);
  },
  dele: async (client, say) => {
    try {
      await client.dele(1);
      say('dele 1');
    } catch (thrown) {
      if (!(thrown instanceof RefusedError)) {
        throw thrown;
      }
      say(`dele 1 refused ${thrown.code}`);
    }
  },
  quit: async (client, say) => {
    await client.quit();
    say('quit');
  },
};

async function retrieveAll(
  client: Pop3Client,
  say: Say,
  listed: { number: number; octets: number }[],
): Promise<void> {
  const left = [...listed];
  const octetsOf = new Map<number, Buffer[]>();
  await client.retrieve({
    next: () => left.shift(),
    onOctets: ({ number }, octets) => {
      octetsOf.set(number, [...(octetsOf.get(number) ?? []), octets]);
    },
    onComplete: ({ number }) =>
      say(`message ${number} [${escaped(Buffer.concat(octetsOf.get(number) ?? []))}]`),
    onRefused: ({ number }, { code }) => say(`message ${number} refused ${code}`),
  }).done;
}
