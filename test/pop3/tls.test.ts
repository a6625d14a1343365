/** Connections and TLS: what is trusted, what is refused, and that nothing secret leaves where it is not. */
import { createHash, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generate } from 'selfsigned';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { type Certificate, makeCertificate } from '../../src/demo/certificate.ts';
import { DemoServer } from '../../src/demo/demo-server.ts';
import { refused } from '../../src/demo/misbehaviour.ts';
import { openClient, openConnection } from '../../src/pop3/open-client.ts';
import type { TlsOptions } from '../../src/pop3/tls.ts';
import { TlsSessions } from '../../src/pop3/tls-sessions.ts';
import { optionsFor, recordedTrace, scripted } from './support/sessions.ts';

let folder: string;
let certificate: Certificate;
let caPath: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mailferry-tls-'));
  certificate = await makeCertificate();
  caPath = join(folder, 'ca.pem');
  await writeFile(caPath, certificate.authorityPem);
});

afterAll(() => rm(folder, { recursive: true }));

async function serve(security: 'tls' | 'starttls', shown: Certificate = certificate): Promise<DemoServer> {
  const users = [{ name: 'alice', password: 'secret' }];
  const server = await DemoServer.start({ users, security, certificate: shown });
  onTestFinished(() => server.close());
  return server;
}

const trusting = (
  extra: { fingerprints?: string[]; serverName?: string; caPath?: string | undefined } = {},
) => ({
  caPath: undefined,
  fingerprints: [],
  serverName: undefined,
  ...extra,
});

async function expired(): Promise<Certificate> {
  const day = 86_400_000;
  const { cert, private: key } = await generate([{ name: 'commonName', value: 'localhost' }], {
    keyType: 'ec',
    algorithm: 'sha256',
    notBeforeDate: new Date(Date.now() - 20 * day),
    notAfterDate: new Date(Date.now() - 10 * day),
    extensions: [{ name: 'subjectAltName', altNames: [{ type: 7, ip: '127.0.0.1' }] }],
  });
  return { authorityPem: cert, certificatePem: cert, privateKeyPem: key };
}

describe.each(['tls', 'starttls'] as const)('security %s', (security) => {
  it('logs in where the certificate is good, and asks CAPA anew (RFC-1, RFC-2, RFC-5, RFC-7, RFC-10)', async () => {
    const server = await serve(security);
    const client = await openClient(
      optionsFor(server.port, { security, tls: trusting({ caPath }), auth: 'AUTO' }),
    );
    expect(client.tlsFacts?.protocol).toMatch(/^TLSv1\.[23]$/);
    expect(client.capabilities?.has('STLS')).toBe(false);
    await client.quit();
    await client.closed;
  });

  it.each([
    ['of an unknown authority', () => Promise.resolve(certificate), {}],
    ['for another name', () => makeCertificate(['other.example']), {}],
    ['that has expired', expired, {}],
    [
      'for a name that the job does not name',
      () => Promise.resolve(certificate),
      { serverName: 'pop.example.net' },
    ],
  ])('Q63: sends no credential to a certificate %s (RFC-2, RFC-3, RFC-6)', async (_, make, extra) => {
    const shown = await make();
    const server = await serve(security, shown);
    const ca = join(folder, `${security}-ca.pem`);
    await writeFile(ca, shown.authorityPem);
    const isUnknown = shown === certificate && !('serverName' in extra);
    const tls = trusting({ ...extra, caPath: isUnknown ? undefined : ca });
    await expect(openClient(optionsFor(server.port, { security, tls }))).rejects.toMatchObject({
      code: 'connection-certificate',
      retry: 'never',
    });
  });

  it('Q63: takes a pinned certificate or key, and no other (RFC-3)', async () => {
    const leaf = new X509Certificate(certificate.certificatePem);
    const spki = leaf.publicKey.export({ type: 'spki', format: 'der' });
    const server = await serve(security);
    const pins = [
      `sha256:${leaf.fingerprint256}`,
      `SHA256:${leaf.fingerprint256.replaceAll(':', '').toLowerCase()}`,
      `spki-sha256:${createHash('sha256').update(spki).digest('base64')}`,
    ];
    for (const pin of pins) {
      const tls = trusting({ fingerprints: ['sha256:00', pin] });
      const client = await openConnection(optionsFor(server.port, { security, tls }));
      await client.quit();
      await client.closed;
    }
    const tls = trusting({ fingerprints: [`sha256:${'0'.repeat(64)}`], caPath });
    await expect(openClient(optionsFor(server.port, { security, tls }))).rejects.toMatchObject({
      code: 'connection-certificate',
    });
  });

  it('sends no STLS over TLS (RFC-8)', async () => {
    const server = await serve(security);
    const trace = recordedTrace();
    const client = await openConnection(
      optionsFor(server.port, { security, tls: trusting({ caPath }), trace }),
    );
    await client.quit();
    await client.closed;
    expect(trace.lines.filter((line) => line === 'C: STLS')).toHaveLength(security === 'tls' ? 0 : 1);
  });

  it('resumes the TLS session of an earlier connection under the same rules, and of no other', async () => {
    const server = await serve(security);
    const tlsSessions = new TlsSessions();
    const isResumed = async (tls: TlsOptions): Promise<boolean | undefined> => {
      const client = await openClient(optionsFor(server.port, { security, tls, tlsSessions }));
      await client.quit();
      await client.closed;
      return client.tlsFacts?.isResumed;
    };
    const pin = `sha256:${new X509Certificate(certificate.certificatePem).fingerprint256}`;
    expect(await isResumed(trusting({ caPath }))).toBe(false);
    expect(await isResumed(trusting({ caPath }))).toBe(true);
    expect(await isResumed(trusting({ fingerprints: [pin] }))).toBe(false);
    expect(await isResumed(trusting({ fingerprints: [pin] }))).toBe(true);
    await expect(isResumed(trusting())).rejects.toMatchObject({ code: 'connection-certificate' });
    const wrong = trusting({ fingerprints: [`sha256:${'0'.repeat(64)}`] });
    await expect(isResumed(wrong)).rejects.toMatchObject({ code: 'connection-certificate' });
    await expect(isResumed(wrong)).rejects.toMatchObject({ code: 'connection-certificate' });
  });

  it('gives the secrets of the session to a key log that was asked for', async () => {
    const server = await serve(security);
    const keyLog: string[] = [];
    const trace = { ...recordedTrace(), keyLogged: (line: Buffer) => keyLog.push(line.toString()) };
    const client = await openClient(optionsFor(server.port, { security, tls: trusting({ caPath }), trace }));
    await client.quit();
    await client.closed;
    expect(keyLog.join('')).toMatch(/^CLIENT_TRAFFIC_SECRET_0 [0-9a-f]{64} [0-9a-f]+\n/m);
    expect(trace.lines.join('\n')).not.toMatch(/TRAFFIC_SECRET/);
  });

  it('says before it connects that the authority cannot be read', async () => {
    const tls = trusting({ caPath: join(folder, 'none.pem') });
    await expect(openClient(optionsFor(9, { security, tls }))).rejects.toMatchObject({
      code: 'tls-ca-unreadable',
    });
  });
});

describe('STLS', () => {
  const offered = 'S: +OK\nC: CAPA\nS: +OK\nS: STLS\nS: .\nC: STLS\n';

  it.each(['+OK\\r\\n+OK injected\\r\\n', '+OK\\r\\n-', '+OK\\r\\n\\0'])(
    'Q61: never reads what comes in the clear behind its +OK: %s (RFC-7, RFC-71)',
    async (octets) => {
      const server = await scripted(`${offered}S- ${octets}`);
      await expect(openClient(optionsFor(server.port, { security: 'starttls' }))).rejects.toMatchObject({
        code: 'pop3-unsolicited',
      });
      await server.played;
    },
  );

  it('forgets what CAPA said in the clear, also where CAPA is refused afterwards (RFC-7)', async () => {
    const server = await serve('starttls');
    server.misbehaviour.on(refused({ verb: 'CAPA', skip: 1 }));
    const client = await openConnection(
      optionsFor(server.port, { security: 'starttls', tls: trusting({ caPath }) }),
    );
    expect(client.capabilities).toBeUndefined();
    client.drop(new Error('the test is over'));
    await client.closed;
  });

  it('Q61: never reads what comes in the clear in the next packet (RFC-7)', async () => {
    const server = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.write('+OK\r\n');
      let received = '';
      socket.on('data', (chunk) => {
        received += chunk.toString('latin1');
        if (received === 'CAPA\r\n') {
          socket.write('+OK\r\nSTLS\r\n.\r\n');
        } else if (received === 'CAPA\r\nSTLS\r\n') {
          socket.write('+OK\r\n');
        } else {
          socket.write('+OK injected\r\n+OK again\r\n');
        }
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    onTestFinished(() => void server.close());
    const address = server.address();
    const port = typeof address === 'object' ? (address?.port ?? 0) : 0;
    await expect(openClient(optionsFor(port, { security: 'starttls' }))).rejects.toMatchObject({
      code: 'connection-tls',
    });
  });

  it.each([
    ['not offered', 'S: +OK\nC: CAPA\nS: +OK\nS: USER\nS: .'],
    ['refused', `${offered}S: -ERR`],
  ])('Q62: required means required: %s, and no credential leaves (RFC-4, RFC-6)', async (_, script) => {
    const server = await scripted(script);
    await expect(openClient(optionsFor(server.port, { security: 'starttls' }))).rejects.toMatchObject({
      code: 'connection-tls',
      retry: 'never',
    });
    await server.played;
  });

  it('Q62: ends where the server closes in place of a handshake (RFC-6)', async () => {
    const server = await scripted(`${offered}S: +OK\nE: rst`);
    await expect(openClient(optionsFor(server.port, { security: 'starttls' }))).rejects.toMatchObject({
      name: 'ConnectionError',
      retry: 'later',
    });
  });
});

describe('a connection', () => {
  it('that is refused says so, and may be tried later', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    const port = typeof address === 'object' ? (address?.port ?? 0) : 0;
    server.close();
    await once(server, 'close');
    await expect(openConnection(optionsFor(port))).rejects.toMatchObject({
      code: 'connection-unreachable',
      retry: 'later',
    });
  });

  it('to a port without TLS says which setting is wrong', async () => {
    const server = await scripted('S: +OK ready');
    await expect(openConnection(optionsFor(server.port, { security: 'tls' }))).rejects.toMatchObject({
      code: 'connection-tls',
      retry: 'never',
    });
  });

  it('Q53: to a server that says nothing ends by its deadline, in the clear and at the handshake', async () => {
    for (const security of ['plaintext', 'tls'] as const) {
      const server = createServer((socket) => void socket.on('error', () => undefined).resume());
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      onTestFinished(() => void server.close());
      const address = server.address();
      const options = optionsFor(typeof address === 'object' ? (address?.port ?? 0) : 0, { security });
      const timeouts = { ...options.timeouts, greetingMs: 100, connectMs: 100 };
      await expect(openConnection({ ...options, timeouts })).rejects.toMatchObject({
        failure: security === 'tls' ? 'unreachable' : 'silent',
      });
    }
  });

  it('is given up at once when the run is aborted, before and while it is made', async () => {
    const server = await scripted('S- +');
    const abort = new AbortController();
    const opening = openConnection(optionsFor(server.port, { signal: abort.signal }));
    abort.abort();
    await expect(opening).rejects.toMatchObject({ code: 'connection-aborted' });
    const late = openConnection(optionsFor(server.port, { signal: abort.signal }));
    await expect(late).rejects.toMatchObject({ code: 'connection-aborted' });
  });
});
