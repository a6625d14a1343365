import { createHash } from 'node:crypto';
import { connect } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DemoServer } from '../../src/demo/demo-server.ts';
import { RawClient } from './raw-client.ts';

const FIRST = 'Subject: one\r\n\r\nfirst line\r\nsecond line\r\n';
const DOTS = 'Subject: dots\r\n\r\n.\r\n..\r\n.x\r\nx.\r\n';

let server: DemoServer;
let client: RawClient;

beforeEach(async () => {
  server = await DemoServer.start({
    users: [
      { name: 'alice', password: 'open sesame', messages: [Buffer.from(FIRST), Buffer.from(DOTS)] },
      { name: 'bob', password: 'tanstaaf' },
    ],
    security: ['starttls', 'tls'],
  });
  client = await RawClient.connect(server.port);
});

afterEach(async () => {
  client.destroy();
  await server.close();
});

const loggedIn = async (): Promise<void> => {
  await client.line();
  await client.logIn('alice', 'open sesame');
};

describe('the AUTHORIZATION state', () => {
  it('greets with a timestamp for APOP', async () => {
    expect(await client.line()).toMatch(/^\+OK .+ <\d+\.[0-9a-f]+@demo\.invalid>\r\n$/);
  });

  it('lets in by USER and PASS, with a password that holds spaces', async () => {
    await client.line();
    expect(await client.ask('user alice')).toBe('+OK send PASS\r\n');
    expect(await client.ask('pass open sesame')).toBe('+OK logged in\r\n');
  });

  it('answers an unknown user and a wrong password alike, with [AUTH]', async () => {
    await client.line();
    await client.ask('USER alice');
    const wrongPassword = await client.ask('PASS wrong');
    await client.ask('USER nobody');
    expect(await client.ask('PASS wrong')).toBe(wrongPassword);
    expect(wrongPassword).toMatch(/^-ERR \[AUTH\] /);
  });

  it('takes PASS only directly after USER', async () => {
    await client.line();
    await client.ask('USER alice');
    await client.ask('NOOP');
    expect(await client.ask('PASS open sesame')).toBe('-ERR send USER first\r\n');
  });

  it('lets in by APOP', async () => {
    const timestamp = /<.+>/.exec(await client.line())?.[0] ?? '';
    const digest = createHash('md5').update(`${timestamp}tanstaaf`).digest('hex');
    expect(await client.ask(`APOP bob ${'0'.repeat(32)}`)).toMatch(/^-ERR \[AUTH\]/);
    expect(await client.ask(`APOP bob ${digest}`)).toBe('+OK logged in\r\n');
  });

  it('lets in by AUTH PLAIN with an initial response', async () => {
    await client.line();
    const response = Buffer.from('\0bob\0tanstaaf').toString('base64');
    expect(await client.ask(`AUTH plain ${response}`)).toBe('+OK logged in\r\n');
  });

  it('lets in by AUTH PLAIN with a response of its own, and takes * as a cancel', async () => {
    await client.line();
    expect(await client.ask('AUTH PLAIN')).toBe('+ \r\n');
    expect(await client.ask('*')).toBe('-ERR AUTH cancelled\r\n');
    expect(await client.ask('AUTH PLAIN')).toBe('+ \r\n');
    expect(await client.ask(Buffer.from('bob\0bob\0tanstaaf').toString('base64'))).toBe('+OK logged in\r\n');
  });

  it.each([
    ['not!base64', '-ERR the response is not Base64'],
    [Buffer.from('bob').toString('base64'), '-ERR the response is not PLAIN'],
    [Buffer.from('alice\0bob\0tanstaaf').toString('base64'), '-ERR [AUTH] user name or password is wrong'],
    ['=', '-ERR the response is not Base64'],
  ])('refuses the PLAIN response %s', async (response, answer) => {
    await client.line();
    expect(await client.ask(`AUTH PLAIN ${response}`)).toBe(`${answer}\r\n`);
  });

  it('knows no command of the TRANSACTION state, and QUIT ends it', async () => {
    await client.line();
    expect(await client.ask('STAT')).toMatch(/^-ERR/);
    expect(await client.ask('QUIT')).toMatch(/^\+OK/);
    expect(await client.readToEnd()).toBe('');
  });

  it('refuses a command line that ends with LF alone', async () => {
    await client.line();
    client.send('NOOP\n');
    expect(await client.line()).toMatch(/^-ERR a command line ends with CRLF/);
  });

  it('refuses a command of 256 octets and takes one of 255', async () => {
    await client.line();
    expect(await client.ask(`USER ${'x'.repeat(248)}`)).toMatch(/^\+OK/);
    expect(await client.ask(`USER ${'x'.repeat(249)}`)).toMatch(/^-ERR a command has at most 255 octets/);
  });

  it('gives up on a line that never ends', async () => {
    await client.line();
    client.send('x'.repeat(20_000));
    expect(await client.readToEnd()).toMatch(/^-ERR the line is too long/);
  });
});

describe('CAPA', () => {
  it('announces STLS and the logins before login', async () => {
    await client.line();
    const lines = (await client.askMany('CAPA')).split('\r\n');
    expect(lines).toEqual(
      expect.arrayContaining([
        'TOP',
        'UIDL',
        'USER',
        'SASL PLAIN',
        'STLS',
        'PIPELINING',
        'RESP-CODES',
        'AUTH-RESP-CODE',
      ]),
    );
  });

  it('announces no STLS after login, nor under TLS', async () => {
    await loggedIn();
    expect(await client.askMany('CAPA')).not.toContain('STLS');
    const secure = await RawClient.connectTls(server.tlsPort, server.authorityPem);
    await secure.line();
    expect(await secure.askMany('CAPA')).not.toContain('STLS');
    secure.destroy();
  });
});

describe('TLS', () => {
  it('begins after STLS, and forgets the name that USER gave in clear', async () => {
    await client.line();
    await client.ask('USER alice');
    expect(await client.ask('STLS')).toBe('+OK begin TLS\r\n');
    await client.startTls(server.authorityPem);
    expect(await client.ask('PASS open sesame')).toBe('-ERR send USER first\r\n');
    await client.logIn('alice', 'open sesame');
    expect(await client.ask('STAT')).toMatch(/^\+OK 2 /);
  });

  it('does not believe a command that came in clear behind STLS', async () => {
    await client.line();
    client.send('STLS\r\nUSER alice\r\n');
    await client.line();
    await client.startTls(server.authorityPem);
    expect(await client.ask('NOOP')).toMatch(/^-ERR/);
    expect(server.record.transcript()).toEqual(['STLS', 'NOOP']);
  });

  it('comes first on its own port, for localhost and 127.0.0.1', async () => {
    const secure = await RawClient.connectTls(server.tlsPort, server.authorityPem);
    expect(await secure.line()).toMatch(/^\+OK/);
    expect(await secure.ask('STLS')).toMatch(/^-ERR/);
    secure.destroy();
  });

  it('can be made the condition of every login', async () => {
    const strict = await DemoServer.start({
      users: [{ name: 'bob', password: 'tanstaaf' }],
      security: 'starttls',
      allowsClearTextLogin: false,
    });
    const clear = await RawClient.connect(strict.port);
    await clear.line();
    expect(await clear.askMany('CAPA')).not.toMatch(/USER|SASL/);
    expect(await clear.ask('USER bob')).toMatch(/^-ERR \[AUTH\]/);
    await clear.ask('STLS');
    await clear.startTls(strict.authorityPem);
    await clear.logIn('bob', 'tanstaaf');
    clear.destroy();
    await strict.close();
  });
});

describe('the TRANSACTION state', () => {
  beforeEach(loggedIn);

  it('counts and lists', async () => {
    expect(await client.ask('STAT')).toBe(`+OK 2 ${FIRST.length + DOTS.length}\r\n`);
    expect(await client.askMany('LIST')).toBe(
      `+OK 2 messages\r\n1 ${FIRST.length}\r\n2 ${DOTS.length}\r\n.\r\n`,
    );
    expect(await client.ask('LIST 2')).toBe(`+OK 2 ${DOTS.length}\r\n`);
    expect(await client.askMany('UIDL')).toBe(
      '+OK 2 messages\r\n1 demo-00000001\r\n2 demo-00000002\r\n.\r\n',
    );
    expect(await client.ask('UIDL 1')).toBe('+OK 1 demo-00000001\r\n');
    expect(await client.ask('UIDL 3')).toBe('-ERR no such message\r\n');
  });

  it('stuffs the dots of RETR', async () => {
    expect(await client.askMany('RETR 2')).toBe(
      `+OK ${DOTS.length} octets\r\nSubject: dots\r\n\r\n..\r\n...\r\n..x\r\nx.\r\n.\r\n`,
    );
  });

  it('gives the header and n lines by TOP', async () => {
    const status = '+OK top of the message follows\r\n';
    expect(await client.askMany('TOP 1 0')).toBe(`${status}Subject: one\r\n\r\n.\r\n`);
    expect(await client.askMany('TOP 1 1')).toBe(`${status}Subject: one\r\n\r\nfirst line\r\n.\r\n`);
    expect(await client.askMany('TOP 1 99')).toBe(`${status}${FIRST}.\r\n`);
  });

  it('hides what DELE marked, and RSET brings it back', async () => {
    await client.ask('DELE 1');
    expect(await client.ask('RETR 1')).toBe('-ERR no such message\r\n');
    expect(await client.askMany('UIDL')).toBe('+OK 1 messages\r\n2 demo-00000002\r\n.\r\n');
    await client.ask('RSET');
    expect(await client.ask('STAT')).toMatch(/^\+OK 2 /);
  });

  it('removes at QUIT', async () => {
    await client.ask('DELE 1');
    expect(server.mailbox('alice').entries).toHaveLength(2);
    await client.ask('QUIT');
    expect(server.mailbox('alice').entries.map(({ uidl }) => uidl)).toEqual(['demo-00000002']);
    expect(server.mailbox('alice').deleted.map(({ uidl }) => uidl)).toEqual(['demo-00000001']);
  });

  it('RFC-63: removes nothing when the connection ends without QUIT', async () => {
    await client.ask('DELE 1');
    client.end();
    await client.readToEnd();
    expect(server.mailbox('alice').entries).toHaveLength(2);
    expect(server.mailbox('alice').isLocked).toBe(false);
  });

  it('keeps a second session out with [IN-USE], until the first is over', async () => {
    const second = await RawClient.connect(server.port);
    await second.line();
    await second.ask('USER alice');
    expect(await second.ask('PASS open sesame')).toMatch(/^-ERR \[IN-USE\]/);
    await client.ask('QUIT');
    await second.logIn('alice', 'open sesame');
    second.destroy();
  });

  it('shows mail that arrives in between only to the next session', async () => {
    server.mailbox('alice').append(Buffer.from('Subject: new\r\n\r\n'));
    expect(await client.ask('STAT')).toMatch(/^\+OK 2 /);
    await client.ask('QUIT');
    client = await RawClient.connect(server.port);
    await loggedIn();
    expect(await client.ask('UIDL 3')).toBe('+OK 3 demo-00000003\r\n');
  });

  it('answers pipelined commands in order, cut into single octets', async () => {
    const commands = 'STAT\r\nRETR 1\r\nUIDL 2\r\nNOOP\r\n';
    for (const octet of commands) {
      client.send(octet);
    }
    const answers = await client.readTo('nothing done\r\n');
    expect(answers.match(/^(\+OK|-ERR).*$/gm)?.map((line) => line.trimEnd())).toEqual([
      `+OK 2 ${FIRST.length + DOTS.length}`,
      `+OK ${FIRST.length} octets`,
      '+OK 2 demo-00000002',
      '+OK nothing done',
    ]);
  });
});

describe('the record', () => {
  it('counts commands and sessions, and shows no secret', async () => {
    await loggedIn();
    await client.askMany('RETR 2');
    await client.ask('RETR 9');
    expect(server.record.count('RETR')).toBe(2);
    expect(server.record.count('RETR', '2')).toBe(1);
    expect(server.record.transcript()).toEqual(['USER alice', 'PASS ***', 'RETR 2', 'RETR 9']);
    expect(JSON.stringify(server.record)).not.toContain('sesame');
    expect(server.record.peakSessions).toBe(1);
  });
});

describe('close', () => {
  it('ends open sessions, leaves no lock, and may be called twice', async () => {
    await loggedIn();
    await client.ask('DELE 1');
    await server.close();
    await client.readToEnd();
    expect(server.mailbox('alice').isLocked).toBe(false);
    expect(server.mailbox('alice').entries).toHaveLength(2);
    expect(server.record.openSessions).toBe(0);
    await server.close();
  });
});

describe('a client that sends much and reads slowly', () => {
  it('makes the server wait, not hold', async () => {
    const octets = 65_536;
    let made = 0;
    const message = {
      octets,
      chunks: () => {
        made += 1;
        return [Buffer.alloc(octets, 'x'.repeat(62).concat('\r\n'))];
      },
    };
    const busy = await DemoServer.start({
      users: [{ name: 'a', password: 'b', messages: Array(1600).fill(message) }],
    });
    const slow = connect(busy.port, '127.0.0.1');
    slow.end(
      `USER a\r\nPASS b\r\n${Array.from({ length: 1600 }, (_, index) => `RETR ${index + 1}\r\n`).join('')}QUIT\r\n`,
    );
    let received = 0;
    let mostAhead = 0;
    for await (const chunk of slow) {
      received += Buffer.from(chunk).length;
      mostAhead = Math.max(mostAhead, made * octets - received);
      await new Promise(setImmediate);
    }
    expect(received).toBeGreaterThan(1600 * octets);
    // What the kernel holds of both sockets, and not a tenth more: 100 MB were asked for at once.
    expect(mostAhead).toBeLessThan(32_000_000);
    await busy.close();
  });
});
