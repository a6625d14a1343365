import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DemoServer } from '../../src/demo/demo-server.ts';
import * as wrong from '../../src/demo/misbehaviour.ts';
import { RawClient } from './raw-client.ts';

const MESSAGE = 'Subject: one\r\n\r\n.hidden\r\nlast line\r\n';
const RETR = { verb: 'RETR' };
const ANSWER = `+OK ${MESSAGE.length} octets\r\nSubject: one\r\n\r\n..hidden\r\nlast line\r\n.\r\n`;

let server: DemoServer;
let client: RawClient;

const connect = async (): Promise<RawClient> => {
  client = await RawClient.connect(server.port);
  return client;
};

const logIn = async (): Promise<RawClient> => {
  await connect();
  await client.line();
  await client.logIn('alice', 'secret');
  return client;
};

beforeEach(async () => {
  const messages = [MESSAGE, MESSAGE, 'no end'].map((text) => Buffer.from(text));
  server = await DemoServer.start({
    users: [{ name: 'alice', password: 'secret', messages }],
    security: 'starttls',
  });
});

afterEach(async () => {
  client.destroy();
  await server.close();
});

describe('the switch', () => {
  it('strikes only the message, only as often, and only after as many, as it was told', async () => {
    server.misbehaviour.on(wrong.refused({ verb: 'RETR', message: 2, skip: 1, times: 2 }));
    await logIn();
    expect(await client.askMany('RETR 1')).toBe(ANSWER);
    expect(await client.askMany('RETR 2')).toBe(ANSWER);
    expect(await client.askMany('RETR 2')).toBe('-ERR refused\r\n');
    expect(await client.askMany('RETR 2')).toBe('-ERR refused\r\n');
    expect(await client.askMany('RETR 2')).toBe(ANSWER);
  });

  it('turns off again while the session goes on', async () => {
    const off = server.misbehaviour.on(wrong.retrRefused(1));
    server.misbehaviour.on(wrong.retrRefused(2));
    await logIn();
    expect(await client.ask('RETR 1')).toMatch(/^-ERR cannot/);
    off();
    expect(await client.askMany('RETR 1')).toBe(ANSWER);
    expect(await client.ask('RETR 2')).toMatch(/^-ERR cannot/);
    server.misbehaviour.allOff();
    expect(await client.askMany('RETR 2')).toBe(ANSWER);
  });

  it('lets several strike one answer', async () => {
    server.misbehaviour.on(wrong.unstuffedDots(), wrong.stoppedBeforeTerminator(RETR), wrong.inPieces(1));
    await logIn();
    client.send('RETR 1\r\n');
    expect(await client.readToEnd()).toBe(`+OK ${MESSAGE.length} octets\r\n${MESSAGE}`);
  });

  it('is not carried out what is refused', async () => {
    server.misbehaviour.on(wrong.refused({ verb: 'DELE' }));
    await logIn();
    await client.ask('DELE 1');
    await client.ask('QUIT');
    expect(server.mailbox('alice').entries).toHaveLength(3);
  });
});

describe('logins', () => {
  it.each([
    ['[IN-USE]', wrong.inUse(2)],
    ['[LOGIN-DELAY]', wrong.loginDelay(2)],
    ['[SYS/TEMP]', wrong.sysTemp(2)],
    ['[SYS/PERM]', wrong.sysPerm(2)],
  ])('are refused with %s so many times', async (code, misbehaviour) => {
    server.misbehaviour.on(misbehaviour);
    await connect();
    await client.line();
    await client.ask('USER alice');
    expect(await client.ask('PASS secret')).toContain(`-ERR ${code}`);
    await client.ask('AUTH PLAIN');
    expect(await client.ask(Buffer.from('\0alice\0secret').toString('base64'))).toContain(`-ERR ${code}`);
    await client.logIn('alice', 'secret');
  });

  it('may find any greeting', async () => {
    server.misbehaviour.on(wrong.greeting('220 smtp ready'));
    await connect();
    expect(await client.line()).toBe('220 smtp ready\r\n');
    server.misbehaviour.on(wrong.endlessLine({ verb: 'QUIT' }));
  });

  it('are ended by a greeting of -ERR', async () => {
    server.misbehaviour.on(wrong.greeting('-ERR [SYS/TEMP] too many connections'));
    await connect();
    expect(await client.readToEnd()).toBe('-ERR [SYS/TEMP] too many connections\r\n');
  });
});

describe('capabilities', () => {
  it('can be missing, all or one, or be more than there are', async () => {
    const off = server.misbehaviour.on(
      wrong.withoutCapability('PIPELINING'),
      wrong.announced('LOGIN-DELAY 300'),
    );
    await logIn();
    const capa = await client.askMany('CAPA');
    expect(capa).not.toContain('PIPELINING');
    expect(capa).toContain('\r\nLOGIN-DELAY 300\r\n.\r\n');
    off();
    server.misbehaviour.on(wrong.noCapa());
    expect(await client.askMany('CAPA')).toBe('-ERR unknown command\r\n');
  });

  it.each([false, true])('lack UIDL, which is announced: %s', async (isAnnounced) => {
    server.misbehaviour.on(wrong.noUidl({ isAnnounced }));
    await logIn();
    expect((await client.askMany('CAPA')).includes('UIDL')).toBe(isAnnounced);
    expect(await client.askMany('UIDL')).toBe('-ERR unknown command\r\n');
  });
});

describe('listings', () => {
  const size = MESSAGE.length;
  it.each([
    ['LIST', wrong.wrongSizes((octets) => octets * 2), [`1 ${size * 2}`, `2 ${size * 2}`, '3 16']],
    ['LIST', wrong.malformedLine('LIST', 2, 'two'), [`1 ${size}`, 'two', '3 8']],
    ['UIDL', wrong.malformedLine('UIDL', 2, '2'), ['1 demo-00000001', '2', '3 demo-00000003']],
    ['UIDL', wrong.duplicateUidls([1, 3]), ['1 same-for-all', '2 demo-00000002', '3 same-for-all']],
    ['UIDL', wrong.emptyUidls([2]), ['1 demo-00000001', '2 ', '3 demo-00000003']],
    ['UIDL', wrong.longUidls(15), ['1 xxdemo-00000001', '2 xxdemo-00000002', '3 xxdemo-00000003']],
    ['UIDL', wrong.reversed('UIDL'), ['3 demo-00000003', '2 demo-00000002', '1 demo-00000001']],
    [
      'UIDL',
      wrong.listingEdited('UIDL', (line, k) => (k === 2 ? undefined : line)),
      ['1 demo-00000001', '3 demo-00000003'],
    ],
  ])('%s can be wrong', async (verb, misbehaviour, lines) => {
    server.misbehaviour.on(misbehaviour);
    await logIn();
    expect(await client.askMany(verb)).toBe(['+OK 3 messages', ...lines, '.', ''].join('\r\n'));
  });

  it('can be without end, which a server does not hold in memory', async () => {
    server.misbehaviour.on(wrong.endlessListing('UIDL', (index) => `${index} x`));
    await logIn();
    client.send('UIDL\r\n');
    await client.readTo('\r\n100000 x\r\n');
  });

  it('can disagree with STAT', async () => {
    server.misbehaviour.on(wrong.statSays('7 -1972428639'));
    await logIn();
    expect(await client.ask('STAT')).toBe('+OK 7 -1972428639\r\n');
  });
});

describe('the form of an answer', () => {
  const status = `+OK ${MESSAGE.length} octets\r\n`;
  it.each([
    ['has un-stuffed dots', wrong.unstuffedDots(), 1, `${status}${MESSAGE}.\r\n`],
    ['has LF line ends', wrong.lfOnly(RETR), 1, ANSWER.replaceAll('\r\n', '\n')],
    [
      'has LF line ends, cut anywhere',
      wrong.octetsChanged(RETR, () => [Buffer.from('a\r'), Buffer.from('\n')]),
      1,
      'a\r\n',
    ],
    ['has a glued terminator', wrong.gluedTerminator(), 3, '+OK 8 octets\r\nno end.\r\n'],
    ['has no terminator', wrong.noTerminator(), 1, ANSWER.slice(0, -3)],
    ['has a stray answer behind it', wrong.trailed(RETR, '+OK stray\r\n'), 1, `${ANSWER}+OK stray\r\n`],
    ['has another status', wrong.statusSays(RETR, '+OK'), 1, ANSWER.replace(status, '+OK\r\n')],
  ])('%s', async (_name, misbehaviour, message, answer) => {
    server.misbehaviour.on(misbehaviour);
    await logIn();
    client.send(`RETR ${message}\r\nQUIT\r\n`);
    expect(await client.readToEnd()).toBe(`${answer}+OK bye\r\n`);
  });

  it('has clear text behind the +OK of STLS, before the handshake', async () => {
    server.misbehaviour.on(wrong.injectedAfterStls());
    await connect();
    await client.line();
    expect(await client.ask('STLS')).toBe('+OK begin TLS\r\n');
    expect(await client.line()).toBe('+OK injected\r\n');
    await client.startTls(server.authorityPem);
    expect(await client.ask('CAPA')).toMatch(/^\+OK/);
  });

  it('never ends its line', async () => {
    server.misbehaviour.on(wrong.endlessLine({ verb: 'STAT' }));
    await logIn();
    client.send('STAT\r\n');
    await client.readTo('x'.repeat(200_000));
  });
});

describe('the delivery of an answer', () => {
  it.each([0, 1, 10, ANSWER.length - 1])('ends after %i octets by FIN', async (octets) => {
    server.misbehaviour.on(wrong.stoppedAfter(RETR, octets, 'fin'));
    await logIn();
    client.send('RETR 1\r\n');
    expect(await client.readToEnd()).toBe(ANSWER.slice(0, octets));
    expect(client.errorCode).toBeUndefined();
    expect(server.mailbox('alice').isLocked).toBe(false);
  });

  it('ends by RST', async () => {
    server.misbehaviour.on(wrong.stoppedAfter(RETR, 0, 'rst'));
    await logIn();
    client.send('RETR 1\r\n');
    await client.readToEnd();
    expect(client.errorCode).toBe('ECONNRESET');
  });

  it.each(['fin', 'cut', 'rst'] as const)('ends under TLS by %s', async (ending) => {
    server.misbehaviour.on(wrong.endedAfter({ verb: 'STAT' }, ending));
    await connect();
    await client.line();
    await client.ask('STLS');
    await client.startTls(server.authorityPem);
    await client.logIn('alice', 'secret');
    client.send('STAT\r\n');
    expect(await client.readToEnd()).toMatch(/^\+OK 3 \d+\r\n$/);
  });

  it('ends before the terminator, and after it', async () => {
    const off = server.misbehaviour.on(wrong.stoppedBeforeTerminator(RETR));
    await logIn();
    client.send('RETR 1\r\n');
    expect(await client.readToEnd()).toBe(ANSWER.slice(0, -3));
    off();
    server.misbehaviour.on(wrong.endedAfter(RETR));
    await logIn();
    client.send('RETR 1\r\nNOOP\r\n');
    expect(await client.readToEnd()).toBe(ANSWER);
  });

  it.each(['GREETING', 'USER', 'STAT'])(
    'stays silent at %s, and the lock stays until the client goes',
    async (verb) => {
      await logIn();
      server.misbehaviour.on(wrong.silent({ verb }));
      const second = await RawClient.connect(server.port);
      client.send(`STAT\r\nQUIT\r\n`);
      second.send('USER alice\r\n');
      if (verb === 'STAT') {
        second.send('STAT\r\n');
        expect(await second.line()).toMatch(/^\+OK mailferry/);
        expect(client.received).toBe('');
        expect(server.mailbox('alice').isLocked).toBe(true);
      } else {
        await client.readTo('bye\r\n');
        expect(second.received.startsWith('+OK')).toBe(verb === 'USER');
      }
      second.destroy();
    },
  );

  it('comes late, in drops, and octet by octet, and is the same', async () => {
    server.misbehaviour.on(wrong.slowFirstOctet(RETR, 5), wrong.dripped(RETR, 10, 1));
    await logIn();
    expect(await client.askMany('RETR 1')).toBe(ANSWER);
    server.misbehaviour.allOff();
    server.misbehaviour.on(wrong.inPieces(1));
    expect(await client.askMany('RETR 1')).toBe(ANSWER);
  });

  it('does not keep the server from closing while it waits', async () => {
    server.misbehaviour.on(wrong.slowFirstOctet({ verb: 'GREETING' }, 600_000));
    await connect();
    await server.close();
    expect(await client.readToEnd()).toBe('');
  });
});

describe('deletion and QUIT', () => {
  const dele = async (): Promise<string> => {
    await logIn();
    await client.ask('DELE 1');
    client.send('QUIT\r\n');
    return client.readToEnd();
  };
  const left = (): number => server.mailbox('alice').entries.length;

  it('DELE can do nothing though it says +OK', async () => {
    server.misbehaviour.on(wrong.deleIgnored());
    expect(await dele()).toBe('+OK bye\r\n');
    expect(left()).toBe(3);
  });

  it('QUIT can be refused, and nothing is deleted', async () => {
    server.misbehaviour.on(wrong.quitRefused());
    expect(await dele()).toBe('-ERR [SYS/TEMP] some deleted messages not removed\r\n');
    expect(left()).toBe(3);
  });

  it.each([true, false])('QUIT can stay unanswered, and be done: %s', async (isCommitted) => {
    server.misbehaviour.on(wrong.quitUnanswered({ isCommitted }));
    expect(await dele()).toBe('');
    expect(left()).toBe(isCommitted ? 2 : 3);
  });

  it('QUIT can leave the connection open', async () => {
    server.misbehaviour.on(wrong.quitLeavesOpen());
    await logIn();
    expect(await client.ask('QUIT')).toBe('+OK bye\r\n');
    expect(server.record.openSessions).toBe(1);
  });
});

describe('pipelining', () => {
  it('can lose what was sent ahead', async () => {
    server.misbehaviour.on(wrong.pipelinedLost());
    await logIn();
    client.send('STAT\r\nNOOP\r\nNOOP\r\n');
    expect(await client.line()).toMatch(/^\+OK 3 /);
    expect(await client.ask('LIST 3')).toBe('+OK 3 8\r\n');
  });

  it('can end the connection', async () => {
    server.misbehaviour.on(wrong.pipeliningEnds());
    await logIn();
    client.send('STAT\r\nNOOP\r\n');
    expect(await client.readToEnd()).toMatch(/^\+OK 3 \d+\r\n$/);
  });
});
