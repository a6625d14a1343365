/** What only shows on real sockets: how TLS begins and ends, both sides writing at once. */

import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import tls from 'node:tls';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { type Certificate, makeCertificate } from '../../src/demo/certificate.ts';
import { DemoServer } from '../../src/demo/demo-server.ts';
import { announced, endedAfter, stoppedAfter } from '../../src/demo/misbehaviour.ts';
import type { Misbehaviour } from '../../src/demo/misbehaviour-switch.ts';
import type { Pop3Client } from '../../src/pop3/client.ts';
import { openClient, openConnection } from '../../src/pop3/open-client.ts';
import { Transport } from '../../src/pop3/transport.ts';
import { optionsFor, recordedTrace } from './support/sessions.ts';

const MESSAGE = Buffer.from('Subject: one\r\n\r\nbody\r\n');

let folder: string;
let certificate: Certificate;
let trusted: ReturnType<typeof optionsFor>['tls'];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mailferry-line-'));
  certificate = await makeCertificate();
  const caPath = join(folder, 'ca.pem');
  await writeFile(caPath, certificate.authorityPem);
  trusted = { caPath, fingerprints: [], serverName: undefined };
});

afterAll(() => rm(folder, { recursive: true }));
async function serve(security: 'tls' | 'starttls', ...misbehaviour: Misbehaviour[]): Promise<DemoServer> {
  const users = [{ name: 'alice', password: 'secret', messages: [MESSAGE] }];
  const server = await DemoServer.start({ users, security, certificate, misbehaviour });
  onTestFinished(() => server.close());
  return server;
}

async function listening(server: Server, host = '127.0.0.1', port = 0): Promise<number> {
  server.listen(port, host);
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  const address = server.address();
  return typeof address === 'object' ? (address?.port ?? 0) : 0;
}

/** Fetches the only message. @returns its octets once it is complete */
async function fetchOne(client: Pop3Client): Promise<Buffer> {
  const octets: Buffer[] = [];
  let isComplete = false;
  const requests = [{ number: 1, octets: MESSAGE.length }];
  const { done } = client.retrieve({
    next: () => requests.shift(),
    onOctets: (_, slice) => void octets.push(slice),
    onComplete: () => {
      isComplete = true;
    },
    onRefused: (_, cause) => {
      throw cause;
    },
  });
  await done.catch((cause: Error) => {
    if (!isComplete) {
      throw cause;
    }
  });
  return Buffer.concat(octets);
}

describe.each(['tls', 'starttls'] as const)(
  'a connection that TCP ends without a word of TLS (%s)',
  (security) => {
    it('Q64, RFC-24: within a message leaves no message', async () => {
      for (const octets of [0, 1, -3, -1]) {
        const server = await serve(security, stoppedAfter({ verb: 'RETR' }, octets, 'cut'));
        const client = await openClient(optionsFor(server.port, { security, tls: trusted }));
        await expect(fetchOne(client)).rejects.toMatchObject({ failure: 'closed' });
      }
    });

    it('Q64, Q24: right behind the terminator leaves a whole one', async () => {
      const server = await serve(security, endedAfter({ verb: 'RETR' }, 'cut'));
      const client = await openClient(optionsFor(server.port, { security, tls: trusted }));
      expect(await fetchOne(client)).toEqual(MESSAGE);
      await client.closed;
    });

    it('RFC-11: never comes from us: the close alert goes before the end', async () => {
      const server = await serve(security);
      const sent: Buffer[] = [];
      const relay = createServer((socket) => {
        const upstream = connect(server.port, '127.0.0.1');
        upstream.on('error', () => undefined).on('data', (chunk) => void socket.write(chunk));
        // Not piped: what comes when the server has gone is read all the same.
        socket
          .on('error', () => undefined)
          .on('data', (chunk) => {
            sent.push(chunk);
            upstream.write(chunk);
          });
      });
      // once() gives unknown; a net server emits 'connection' with a Socket.
      const ended = once(relay, 'connection').then(([socket]) => once(socket as Socket, 'close'));
      const port = await listening(relay);
      const client = await openClient(optionsFor(port, { security, tls: trusted }));
      await client.quit();
      await client.closed;
      await ended;
      // TLS 1.3: an alert is two octets, its type one, the tag sixteen; no command of ours is as short.
      expect(client.tlsFacts?.protocol).toBe('TLSv1.3');
      expect(Buffer.concat(sent).subarray(-24, -19).toString('hex')).toBe('1703030013');
    });
  },
);

it('records of TLS that come together are pushed together, and all of them before the end', async () => {
  const records = Array.from({ length: 200 }, (_, n) => `record ${n}\r\n`);
  const server = tls.createServer({ key: certificate.privateKeyPem, cert: certificate.certificatePem });
  server.on('secureConnection', (socket: tls.TLSSocket) => {
    socket.on('error', () => undefined);
    for (const record of records) socket.write(record);
    socket.end();
  });
  const port = await listening(server);
  const { host, signal } = optionsFor(port, { security: 'tls', tls: trusted });
  const target = { host, port, tls: trusted, isImplicitTls: true, connectTimeoutMs: 5_000, signal };
  const transport = await Transport.connect(target);
  const chunks: Buffer[] = [];
  const cause = await new Promise((resolve) =>
    transport.listen({ onData: (chunk) => void chunks.push(chunk), onClosed: resolve }),
  );
  expect(cause).toBeUndefined();
  expect(Buffer.concat(chunks).toString()).toBe(records.join(''));
  expect(chunks.length).toBeLessThan(records.length / 2);
});

it('an answer that comes with the end of TLS counts, and the end is one in order', async () => {
  const server = tls.createServer({ key: certificate.privateKeyPem, cert: certificate.certificatePem });
  server.on('secureConnection', (socket: tls.TLSSocket) => {
    socket.on('error', () => undefined).write('+OK\r\n');
    socket.once('data', () => {
      socket.write('+OK\r\n');
      socket.write('USER\r\n.\r\n');
      socket.end();
    });
  });
  const port = await listening(server);
  const client = await openConnection(optionsFor(port, { security: 'tls', tls: trusted }));
  expect(client.capabilities?.has('USER')).toBe(true);
  await expect(client.noop()).rejects.toMatchObject({ failure: 'closed' });
  expect(client.isEndedBetweenAnswers).toBe(true);
});

describe('the beginning of TLS', () => {
  it('Q63: names the server that is wanted (SNI), and never an address', async () => {
    const named: (string | false)[] = [];
    const server = tls.createServer({ key: certificate.privateKeyPem, cert: certificate.certificatePem });
    server.on('secureConnection', (socket: tls.TLSSocket) => {
      named.push(socket.servername ?? false);
      socket.on('error', () => undefined).end('-ERR closed\r\n');
    });
    const port = await listening(server);
    for (const serverName of ['localhost', undefined]) {
      const options = optionsFor(port, { security: 'tls', tls: { ...trusted, serverName } });
      await expect(openConnection(options)).rejects.toMatchObject({ code: 'pop3-refused' });
    }
    expect(named).toEqual(['localhost', false]);
  });

  it('RFC-9: by STLS comes before UTF8, and never behind it', async () => {
    const server = await serve('starttls', announced('UTF8'));
    const trace = recordedTrace();
    const client = await openClient(optionsFor(server.port, { security: 'starttls', tls: trusted, trace }));
    await client.quit();
    await client.closed;
    expect(trace.lines.filter((line) => line === 'C: STLS' || line === 'C: UTF8')).toEqual([
      'C: STLS',
      'C: UTF8',
    ]);
  });
});

describe('a server that reads nothing while it writes', () => {
  it('Q50, RFC-70: gets its answers taken, and then reads on: no side waits for the other', async () => {
    const body = `${'x'.repeat(998)}\r\n`.repeat(8_000);
    let asked = '';
    const answer = (socket: Socket, chunk: Buffer): void => {
      asked += chunk.toString('latin1');
      const due = asked.split('\r\n').length - 1;
      asked = '';
      // All that was asked is answered in one go, and nothing is read before the last octet has been taken.
      socket.pause();
      socket.write(`+OK\r\n${body}.\r\n`.repeat(due), () => socket.resume());
    };
    const server = createServer((socket) => {
      socket.on('error', () => undefined).write('+OK\r\n');
      let line = 0;
      socket.on('data', (chunk: Buffer) => {
        line += 1;
        const capa = '+OK\r\nPIPELINING\r\n.\r\n';
        const opening = ['', capa, '+OK\r\n', '+OK\r\n', capa][line];
        if (opening === undefined) {
          answer(socket, chunk);
        } else {
          socket.write(opening);
        }
      });
    });
    const client = await openClient(optionsFor(await listening(server), { pipeline: 64 }));
    const requests = Array.from({ length: 12 }, (_, index) => ({ number: index + 1, octets: body.length }));
    let complete = 0;
    await client.retrieve({
      next: () => requests.shift(),
      onOctets: () => undefined,
      onComplete: () => {
        complete += 1;
      },
      onRefused: (_, cause) => {
        throw cause;
      },
    }).done;
    expect(complete).toBe(12);
    client.drop(new Error('the test is over'));
    await client.closed;
  });
});
