import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import tls from 'node:tls';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Certificate, makeCertificate } from '../../src/demo/certificate.ts';
import { DemoServer } from '../../src/demo/demo-server.ts';
import { type SurveyedEndpoint, surveyTls } from '../../src/pop3/tls-survey.ts';

let certificate: Certificate;
const closers: (() => Promise<unknown>)[] = [];

beforeAll(async () => {
  certificate = await makeCertificate();
});

afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

async function listen(server: Server): Promise<number> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => sockets.add(socket.on('error', () => undefined)));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closers.push(async () => {
    for (const socket of sockets) socket.destroy();
    server.close();
    await once(server, 'close');
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

function serveTls(options: tls.TlsOptions): Promise<number> {
  const { certificatePem: cert, privateKeyPem: key } = certificate;
  const server = tls.createServer({ cert, key, ...options });
  server.on('tlsClientError', () => undefined);
  server.on('secureConnection', (socket) => socket.on('error', () => undefined));
  return listen(server);
}

/** Sends a greeting, and whatever `answer` gives for what the client says. */
function serveText(greeting: string, answer: string): Promise<number> {
  return listen(
    createServer((socket) => {
      socket.write(greeting);
      socket.on('data', () => socket.write(answer));
    }),
  );
}

function endpoint(port: number, more: Partial<SurveyedEndpoint> = {}): SurveyedEndpoint {
  return {
    host: '127.0.0.1',
    port,
    isStls: false,
    tls: { caPath: undefined, fingerprints: [], serverName: undefined },
    timeoutMs: 10_000,
    signal: new AbortController().signal,
    ...more,
  };
}

const OLD = { ciphers: 'DEFAULT:@SECLEVEL=0' };
const NOT_KNOWN = { TLSv1: 'unknown', 'TLSv1.1': 'unknown', 'TLSv1.2': 'unknown', 'TLSv1.3': 'unknown' };

it.each([
  ['all versions', { ...OLD, minVersion: 'TLSv1' }, 'accepted accepted accepted accepted'],
  ['1.0 alone', { ...OLD, minVersion: 'TLSv1', maxVersion: 'TLSv1' }, 'accepted refused refused refused'],
  ['1.1 alone', { ...OLD, minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1' }, 'refused accepted refused refused'],
  ['1.2 and 1.3', {}, 'refused refused accepted accepted'],
  ['1.3 alone', { minVersion: 'TLSv1.3' }, 'refused refused refused accepted'],
] as const)('RFC-10: a server of %s is seen as such', async (_, options, expected) => {
  const { versions } = await surveyTls(endpoint(await serveTls(options)));
  expect(Object.values(versions).join(' ')).toBe(expected);
});

it('tells of the certificate what a person wants to know, trusted or not', async () => {
  const port = await serveTls({});
  const { certificate: facts } = await surveyTls(endpoint(port));
  expect(facts).toMatchObject({
    subject: 'CN=mailferry demo server',
    issuer: 'CN=mailferry demo authority',
    names: ['localhost', '127.0.0.1'],
    key: { type: 'ec', bits: 256 },
    trouble: 'has an issuer that is not known here',
  });
  const fingerprint = facts?.fingerprint ?? '';
  const pinned = (pin: string) => ({
    tls: { caPath: undefined, fingerprints: [pin], serverName: undefined },
  });
  const right = await surveyTls(endpoint(port, pinned(fingerprint)));
  expect(right.certificate?.trouble).toBeUndefined();
  const wrong = await surveyTls(endpoint(port, pinned(`sha256:${'0'.repeat(64)}`)));
  expect(wrong.certificate?.trouble).toBe('is none of those pinned');
});

it('by STLS sees the same as by TLS from the first octet, and logs in nowhere', async () => {
  await using demo = await DemoServer.start({ users: [], security: ['starttls', 'tls'], certificate });
  const first = await surveyTls(endpoint(demo.tlsPort));
  const stls = await surveyTls(endpoint(demo.port, { isStls: true }));
  expect(stls).toEqual(first);
  expect(new Set(demo.record.commands.map(({ verb }) => verb))).toEqual(new Set(['STLS']));
});

describe('what a server does that is no handshake', () => {
  it.each([
    ['a refusal of STLS', '+OK ready\r\n', '-ERR not here\r\n'],
    ['Q61: octets behind the +OK of STLS', '+OK ready\r\n', '+OK begin\r\n+OK more\r\n'],
    ['a refused greeting', '-ERR busy\r\n', '+OK begin\r\n'],
    ['a greeting without end', 'x'.repeat(10_000), ''],
  ])('%s is told as not known', async (_, greeting, answer) => {
    const port = await serveText(greeting, answer);
    const { versions, certificate: facts } = await surveyTls(endpoint(port, { isStls: true }));
    expect({ versions, facts }).toEqual({ versions: NOT_KNOWN, facts: undefined });
  });

  it.each([
    ['from the first octet', false],
    ['behind STLS', true],
  ])('silence %s ends with the deadline', async (_, isStls) => {
    const port = await serveText('', '');
    const { versions } = await surveyTls(endpoint(port, { isStls, timeoutMs: 50 }));
    expect(versions).toEqual(NOT_KNOWN);
  });

  it('a port where nobody listens is not known either', async () => {
    const port = await serveText('', '');
    await closers.pop()?.();
    expect((await surveyTls(endpoint(port))).versions).toEqual(NOT_KNOWN);
  });

  it('an interrupt ends it', async () => {
    const port = await serveText('', '');
    const signal = AbortSignal.abort();
    expect((await surveyTls(endpoint(port, { signal }))).versions).toEqual(NOT_KNOWN);
  });
});
