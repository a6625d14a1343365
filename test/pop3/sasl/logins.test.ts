/** Logins by SCRAM against a server of its own making, over real TLS: both proofs, both kinds of binding, and every attack. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TlsOptions } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Certificate, makeCertificate } from '../../../src/demo/certificate.ts';
import { openClient, openConnection } from '../../../src/pop3/open-client.ts';
import { authenticate } from '../../../src/pop3/sasl/authenticate.ts';
import { MECHANISMS } from '../../../src/pop3/sasl/mechanisms.ts';
import type { AuthChoice } from '../../../src/pop3/sasl/names.ts';
import { TlsSessions } from '../../../src/pop3/tls-sessions.ts';
import { type ScramServerOptions, startScramServer } from '../support/scram-server.ts';
import { optionsFor, recordedTrace, scripted } from '../support/sessions.ts';

let folder: string;
let certificate: Certificate;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'mailferry-sasl-'));
  certificate = await makeCertificate();
  writeFileSync(join(folder, 'ca.pem'), certificate.authorityPem);
});

afterAll(() => rmSync(folder, { recursive: true }));

interface Ended {
  /** The code of the failure; undefined where it came to a login. */
  readonly code: unknown;
  readonly message: string;
  readonly lines: readonly string[];
}

async function logIn(
  auth: AuthChoice,
  options: ScramServerOptions,
  extra: Parameters<typeof optionsFor>[1] = {},
): Promise<Ended> {
  const { port, lines } = await startScramServer(options);
  const tls = { caPath: join(folder, 'ca.pem'), fingerprints: [], serverName: undefined };
  const security = options.certificate === undefined ? 'plaintext' : 'tls';
  try {
    const client = await openClient(optionsFor(port, { auth, security, tls, ...extra }));
    await client.quit();
    return { code: undefined, message: '', lines };
  } catch (cause) {
    if (!(cause instanceof Error) || !('code' in cause)) throw cause;
    return { code: cause.code, message: cause.message, lines };
  }
}

const tried = ({ lines }: Ended) =>
  lines.filter((line) => line.startsWith('AUTH') || line.startsWith('USER'));
const NAMES = ['SCRAM-SHA-1', 'SCRAM-SHA-256', 'SCRAM-SHA-512'] as const;
const VERSIONS: readonly (readonly [string, TlsOptions, string])[] = [
  ['TLS 1.3', { minVersion: 'TLSv1.3' }, 'tls-exporter'],
  ['TLS 1.2', { maxVersion: 'TLSv1.2' }, 'tls-unique'],
];

describe.each(NAMES)('%s', (name) => {
  it('logs in without TLS, and a wrong password is told as such by both', async () => {
    expect(await logIn(name, { announced: [name] })).toMatchObject({ code: undefined });
    const wrong = await logIn(name, { announced: [name] }, { password: 'wrong' });
    expect(wrong.code).toBe('login-refused');
    expect(wrong.message).toMatch(/\(SCRAM-.*\): the user name or the password is wrong/);
    expect(tried(wrong)).toEqual([`AUTH ${name}`]);
  });

  it.each(VERSIONS)('with -PLUS binds to %s', async (_, tlsOptions, type) => {
    const announced = [`${name}-PLUS`, name];
    const ended = await logIn('AUTO', { certificate, tlsOptions, announced, hasPlus: true });
    expect(ended.code).toBeUndefined();
    expect(tried(ended)).toEqual([`AUTH ${name}-PLUS`]);
    expect(ended.lines).toContainEqual(expect.stringMatching(`^p=${type},,n=alice`));
  });

  it.each(VERSIONS)('with -PLUS binds to %s that goes on with an earlier session', async (_, tlsOptions) => {
    const announced = [`${name}-PLUS`];
    const { port } = await startScramServer({ certificate, tlsOptions, announced, hasPlus: true });
    const tls = { caPath: join(folder, 'ca.pem'), fingerprints: [], serverName: undefined };
    const tlsSessions = new TlsSessions();
    for (const isResumed of [false, true]) {
      const auth: AuthChoice = `${name}-PLUS`;
      const client = await openClient(optionsFor(port, { auth, security: 'tls', tls, tlsSessions }));
      expect(client.tlsFacts?.isResumed).toBe(isResumed);
      await client.quit();
      await client.closed;
    }
  });

  it('a user name and a password that are not ASCII', async () => {
    const secret = { user: 'j\u00fcrgen', password: 'k\u00e9y' };
    const ended = await logIn(name, { announced: [name], password: 'k\u00e9y' }, secret);
    expect(ended.code).toBeUndefined();
  });
});

describe('an attack does not come through', () => {
  const options = { certificate, announced: ['SCRAM-SHA-256'] };

  it('a server that has -PLUS notices that somebody took it out of its CAPA', async () => {
    const ended = await logIn('AUTO', { ...options, certificate, hasPlus: true });
    expect(ended.message).toMatch(/somebody on the way hid that/);
    expect(tried(ended)).toEqual(['AUTH SCRAM-SHA-256']);
  });

  it('a server at the end of another TLS connection is told', async () => {
    const announced = ['SCRAM-SHA-256-PLUS', 'SCRAM-SHA-256', 'PLAIN'];
    const ended = await logIn('AUTO', { certificate, announced, hasPlus: true, isElsewhere: true });
    expect(ended.message).toMatch(/somebody may be in between/);
    expect(tried(ended)).toEqual(['AUTH SCRAM-SHA-256-PLUS']);
  });

  it.each<[string, Partial<ScramServerOptions>, string]>([
    ['a server that only says +OK', { isUnproven: true }, 'pop3-protocol'],
    ['a forged proof', { tamper: (text) => text.replace(/^v=..../, 'v=AAAA') }, 'login-server-not-proven'],
    ['few iterations', { tamper: (text) => text.replace(/i=4096$/, 'i=1') }, 'login-scram-iterations'],
    [
      'iterations without end',
      { tamper: (text) => text.replace(/i=4096$/, 'i=4294967295') },
      'login-scram-iterations',
    ],
    ['a nonce that is not ours', { tamper: (text) => text.replace(/^r=./, 'r=!') }, 'pop3-protocol'],
  ])('%s ends the session, and nothing weaker is tried', async (_, more, code) => {
    const ended = await logIn('AUTO', {
      certificate,
      announced: ['SCRAM-SHA-256', 'PLAIN', 'LOGIN'],
      ...more,
    });
    expect(ended.code).toBe(code);
    expect(tried(ended)).toEqual(['AUTH SCRAM-SHA-256']);
  });
});

describe('Q55, RFC-42: auto', () => {
  const announced = ['PLAIN', 'SCRAM-SHA-1-PLUS', 'SCRAM-SHA-1'];

  it.each(['-ERR [AUTH] no', '-ERR not that one'])(
    'goes on to the bare mechanism where -PLUS is answered %j',
    async (refusesPlus) => {
      const ended = await logIn('AUTO', { certificate, announced, refusesPlus, hasPlus: true });
      expect(ended.code).toBeUndefined();
      expect(tried(ended)).toEqual(['AUTH SCRAM-SHA-1-PLUS', 'AUTH SCRAM-SHA-1']);
      // Not `y`: that would say that nobody announced it.
      expect(ended.lines).toContainEqual(expect.stringMatching(/^n,,n=alice/));
    },
  );

  it('goes on to the bare mechanism where -PLUS is refused after the proof, as Cyrus does on TLS 1.3', async () => {
    const cyrus = {
      certificate,
      announced: ['SCRAM-SHA-256-PLUS', 'SCRAM-SHA-1-PLUS', 'SCRAM-SHA-256', 'SCRAM-SHA-1', 'PLAIN'],
      refusesPlusProof: '-ERR [AUTH] authenticating: bad protocol / cancel',
    };
    const right = await logIn('AUTO', cyrus);
    expect(right.code).toBeUndefined();
    expect(tried(right)).toEqual(['AUTH SCRAM-SHA-256-PLUS', 'AUTH SCRAM-SHA-256']);
    const wrong = await logIn('AUTO', cyrus, { password: 'wrong' });
    expect(wrong.code).toBe('login-refused');
    expect(tried(wrong)).toEqual(tried(right));
    const named = await logIn('SCRAM-SHA-256-PLUS', cyrus);
    expect(tried(named)).toEqual(['AUTH SCRAM-SHA-256-PLUS']);
  });

  it('tries nothing after a wrong password', async () => {
    const ended = await logIn('AUTO', { certificate, announced, hasPlus: true }, { password: 'wrong' });
    expect(ended.code).toBe('login-refused');
    expect(tried(ended)).toEqual(['AUTH SCRAM-SHA-1-PLUS']);
  });

  it('what is named is tried alone, announced or not', async () => {
    const ended = await logIn('SCRAM-SHA-1-PLUS', { certificate, announced, refusesPlus: '-ERR no' });
    expect(tried(ended)).toEqual(['AUTH SCRAM-SHA-1-PLUS']);
    expect(ended.code).toBe('login-refused');
  });

  it('a password that SCRAM does not take goes by nothing weaker on a clear line', async () => {
    const ended = await logIn('AUTO', { announced }, { password: 's\u0007ecret' });
    expect(ended.code).toBe('login-not-possible');
    expect(tried(ended)).toEqual([]);
  });

  it('a password that SCRAM does not take goes by PLAIN over TLS', async () => {
    const ended = await logIn('AUTO', { certificate, announced }, { password: 's\u0007ecret' });
    expect(tried(ended)).toEqual(['AUTH PLAIN']);
  });
});

it('Q55: mechanisms that are announced and not there are passed over, each tried once', async () => {
  const server = await scripted(
    [
      'S: +OK',
      'C: CAPA',
      'S: +OK',
      'S: SASL LOGIN PLAIN',
      'S: USER',
      'S: .',
      'C: AUTH PLAIN',
      'S: -ERR unknown mechanism',
      'C: AUTH LOGIN',
      'S: -ERR unknown mechanism',
      'C: USER alice',
      'S: +OK',
      `C: PASS ${'p'.repeat(240)}`,
      'S: +OK',
      'C: CAPA',
      'S: +OK',
      'S: .',
      'C: QUIT',
      'S: +OK',
    ].join('\n'),
  );
  const client = await openClient(optionsFor(server.port, { auth: 'AUTO', password: 'p'.repeat(240) }));
  await client.quit();
  await server.played;
});

it('a trace shows neither proof: one could guess the password by them at leisure', async () => {
  const trace = recordedTrace();
  await logIn('SCRAM-SHA-1', { announced: ['SCRAM-SHA-1'] }, { trace });
  expect(trace.lines.filter((line) => line.includes('****'))).toEqual([
    'C: AUTH SCRAM-SHA-1 ****',
    'S: + ****',
    'C: ****',
    'S: + ****',
    'C: ****',
  ]);
  expect(trace.lines.join('\n')).not.toMatch(/[A-Za-z0-9+/]{24,}/);
});

it('RFC-36: an initial response that is empty is the single character =', async () => {
  const announced = 'C: CAPA\nS: +OK\nS: SASL EXTERNAL\nS: .';
  const server = await scripted(`S: +OK\n${announced}\nC: AUTH EXTERNAL =\nS: +OK`);
  const client = await openConnection(optionsFor(server.port));
  const silent = {
    ...MECHANISMS.EXTERNAL,
    start: () => ({
      initialResponse: Buffer.alloc(0),
      isComplete: () => true,
      respond: () => Buffer.alloc(0),
    }),
  };
  const { status } = await authenticate(client, silent, { user: 'alice', password: 'secret' });
  expect(status.kind).toBe('ok');
  client.drop(new Error('the test is over'));
  await server.played;
});
