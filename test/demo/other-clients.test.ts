/**
 * Clients that others have written agree that the demo server speaks POP3, and receive the octets it was given. Without
 * them, a mistake that the server and our own client share would never show.
 */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { DemoServer } from '../../src/demo/demo-server.ts';
import { asReceived, type Chunks } from '../../src/demo/dot-stuffing.ts';
import { chunksOf, Mailbox } from '../../src/demo/mailbox.ts';
import { inPieces } from '../../src/demo/misbehaviour.ts';
import { sampleMessages } from '../../src/demo/sample-mail.ts';
import { requireProgram } from '../support/programs.ts';

const curl = requireProgram('curl');
const python = requireProgram('python3');
const mpop = requireProgram('mpop');

const run = promisify(execFile);
const MIB = 1_048_576;

let folder: string;
let authorityFile: string;
let server: DemoServer;
/** What a client must have of each message: the octets that the mailbox was given, with a last CRLF. */
let expected: Buffer[];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mailferry-clients-'));
  authorityFile = join(folder, 'authority.pem');
  expected = await Promise.all(
    new Mailbox(sampleMessages('alice', 20, 7)).entries.map(({ content }) => received(content)),
  );
});

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

beforeEach(async () => {
  const messages = sampleMessages('alice', 20, 7);
  server = await DemoServer.start({
    users: [{ name: 'alice', password: 'se cret', messages }],
    security: ['starttls', 'tls'],
  });
  await writeFile(authorityFile, server.authorityPem);
});

afterEach(async () => {
  await server.close();
});

async function received(content: Parameters<typeof chunksOf>[0]): Promise<Buffer> {
  const all: Buffer[] = [];
  const chunks: Chunks = chunksOf(content);
  for await (const chunk of chunks) {
    all.push(chunk);
  }
  return asReceived(Buffer.concat(all));
}

const sha256 = (octets: Buffer): string => createHash('sha256').update(octets).digest('hex');

curl.describe('curl', () => {
  const get = async (url: string, ...more: string[]): Promise<Buffer> => {
    const options = [
      '--silent',
      '--show-error',
      '--cacert',
      authorityFile,
      '--user',
      'alice:se cret',
      ...more,
      url,
    ];
    const { stdout } = await run(curl.path, options, { encoding: 'buffer', maxBuffer: 16 * MIB });
    return stdout;
  };

  it('receives every message with the octets it was given', async () => {
    for (const [index, octets] of expected.entries()) {
      const got = await get(`pop3://127.0.0.1:${server.port}/${index + 1}`);
      // Of an empty message curl makes one CRLF: it takes the end of the status line for the CRLF before the dot.
      const has = octets.length === 0 ? Buffer.from('\r\n') : octets;
      expect(sha256(got), `message ${index + 1}`).toBe(sha256(has));
    }
  });

  it('receives them octet by octet all the same', async () => {
    server.misbehaviour.on(inPieces(1));
    expect(await get(`pop3://127.0.0.1:${server.port}/2`)).toEqual(expected[1]);
  });

  it.each([
    ['implicit TLS', (): string => `pop3s://localhost:${server.tlsPort}/1`, []],
    ['STLS', (): string => `pop3://localhost:${server.port}/1`, ['--ssl-reqd']],
    ['APOP', (): string => `pop3://127.0.0.1:${server.port}/1`, ['--login-options', 'AUTH=+APOP']],
    ['AUTH PLAIN', (): string => `pop3://127.0.0.1:${server.port}/1`, ['--login-options', 'AUTH=PLAIN']],
    [
      'AUTH PLAIN at once',
      (): string => `pop3://127.0.0.1:${server.port}/1`,
      ['--login-options', 'AUTH=PLAIN', '--sasl-ir'],
    ],
  ])('comes in by %s', async (_name, url, options) => {
    expect(await get(url(), ...options)).toEqual(expected[0]);
  });

  it('lists, and deletes', async () => {
    const listing = await get(`pop3://127.0.0.1:${server.port}/`);
    expect(listing.toString()).toBe(
      expected.map(({ length }, index) => `${index + 1} ${length}\r\n`).join(''),
    );
    await get(`pop3://127.0.0.1:${server.port}/3`, '--head', '--request', 'DELE');
    expect(server.mailbox('alice').deleted.map(({ uidl }) => uidl)).toEqual(['demo-00000003']);
  });
});

/** Everything poplib can ask, as one JSON object. It splits messages into lines, so the digest is of the lines joined again. */
const POPLIB = `
import hashlib, json, poplib, ssl, sys
port, tls_port, ca, way = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4]
poplib._MAXLINE = 1 << 20
context = ssl.create_default_context(cafile=ca)
# Python 3.13 asks for key identifiers that a throw-away authority does not have.
context.verify_flags &= ~getattr(ssl, 'VERIFY_X509_STRICT', 0)
pop = poplib.POP3_SSL('localhost', tls_port, context=context) if way == 'tls' else poplib.POP3('localhost', port)
before = pop.capa()
if way == 'stls':
    pop.stls(context)
if way == 'apop':
    pop.apop('alice', 'se cret')
else:
    pop.user('alice')
    pop.pass_('se cret')
count, octets = pop.stat()
def digest(lines):
    return hashlib.sha256(b''.join(line + b'\\r\\n' for line in lines)).hexdigest()
out = {
    'before': sorted(before), 'after': sorted(pop.capa()), 'stat': [count, octets],
    'list': [line.decode() for line in pop.list()[1]], 'uidl': [line.decode() for line in pop.uidl()[1]],
    'digests': [digest(pop.retr(n)[1]) for n in range(1, count + 1)],
    'top': digest(pop.top(1, 0)[1]),
}
pop.dele(1); pop.rset(); pop.dele(2); pop.noop(); pop.quit()
print(json.dumps(out))
`;

python.describe("Python's poplib", () => {
  it.each(['plain', 'stls', 'tls', 'apop'])('agrees on everything by %s', async (way) => {
    const { stdout } = await run(python.path, [
      '-c',
      POPLIB,
      `${server.port}`,
      `${server.tlsPort}`,
      authorityFile,
      way,
    ]);
    const sizes = expected.map(({ length }) => length);
    const found: unknown = JSON.parse(stdout);
    expect(found).toMatchObject({
      stat: [20, sizes.reduce((sum, size) => sum + size, 0)],
      list: sizes.map((size, index) => `${index + 1} ${size}`),
      uidl: sizes.map((_size, index) => `${index + 1} demo-${String(index + 1).padStart(8, '0')}`),
      digests: expected.map(sha256),
      top: sha256(headerOf(expected[0])),
      before: expect.arrayContaining(way === 'tls' ? ['UIDL'] : ['STLS', 'UIDL']),
      after: expect.not.arrayContaining(['STLS']),
    });
    expect(server.mailbox('alice').deleted.map(({ uidl }) => uidl)).toEqual(['demo-00000002']);
  });
});

function headerOf(octets: Buffer = Buffer.alloc(0)): Buffer {
  return octets.subarray(0, octets.indexOf('\r\n\r\n') + 4);
}

mpop.describe('mpop', () => {
  const fetchAll = async (lines: readonly string[]): Promise<string[]> => {
    const maildir = await mkdtemp(join(folder, 'maildir-'));
    await Promise.all(['cur', 'new', 'tmp'].map((name) => mkdir(join(maildir, name))));
    const config = [
      'account demo',
      'host localhost',
      'user alice',
      'password se cret',
      `tls_trust_file ${authorityFile}`,
      `uidls_file ${join(maildir, 'uidls')}`,
      `delivery maildir ${maildir}`,
      'received_header off',
      ...lines,
      '',
    ].join('\n');
    await writeFile(join(maildir, 'config'), config, { mode: 0o600 });
    await run(mpop.path, [`--file=${join(maildir, 'config')}`, '--quiet', 'demo']);
    const files = await readdir(join(maildir, 'new'));
    const digests = await Promise.all(
      files.map(async (name) => sha256(await readFile(join(maildir, 'new', name)))),
    );
    return digests.sort();
  };
  /** Maildir stores LF. */
  const stored = (): string[] =>
    expected
      .map((octets) => sha256(Buffer.from(octets.toString('latin1').replaceAll('\r\n', '\n'), 'latin1')))
      .sort();

  it.each([
    ['implicit TLS, pipelined', ['tls on', 'tls_starttls off', 'pipelining on']],
    ['STLS', ['tls on', 'tls_starttls on', 'auth plain']],
    ['clear text by APOP', ['tls off', 'auth apop']],
    ['clear text by USER, not pipelined', ['tls off', 'auth user', 'pipelining off']],
  ])('fetches all and deletes all by %s', async (name, lines) => {
    const port = name.startsWith('implicit') ? server.tlsPort : server.port;
    expect(await fetchAll([...lines, `port ${port}`, 'keep off'])).toEqual(stored());
    expect(server.mailbox('alice').entries).toEqual([]);
  });

  it('keeps the mail where it is told to', async () => {
    expect(await fetchAll(['tls off', 'auth user', `port ${server.port}`, 'keep on'])).toEqual(stored());
    expect(server.mailbox('alice').entries).toHaveLength(20);
  });
});
