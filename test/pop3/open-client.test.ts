/** From connecting to the TRANSACTION state: what is sent, in which order, and what is never sent. */
import { describe, expect, it } from 'vitest';
import { DemoServer } from '../../src/demo/demo-server.ts';
import * as wrong from '../../src/demo/misbehaviour.ts';
import { openClient, openConnection } from '../../src/pop3/open-client.ts';
import { optionsFor, recordedTrace, scripted } from './support/sessions.ts';

const QUIT = '\nC: QUIT\nS: +OK\n';

/** A login against a script; resolves when the script is over and the client has gone. */
async function login(script: string, extra: Parameters<typeof optionsFor>[1] = {}) {
  const server = await scripted(script + QUIT);
  const client = await openClient(optionsFor(server.port, extra));
  await client.quit();
  await client.closed;
  await server.played;
  return client;
}

/** A login that must fail. The script must have been kept to, to its last octet. */
async function failedLogin(script: string, extra: Parameters<typeof optionsFor>[1] = {}): Promise<unknown> {
  const server = await scripted(script);
  const thrown = await openClient(optionsFor(server.port, extra)).then(
    () => undefined,
    (cause: unknown) => cause,
  );
  await server.played;
  return thrown;
}

const capa = (...lines: string[]) =>
  ['C: CAPA', 'S: +OK', ...lines.map((line) => `S: ${line}`), 'S: .'].join('\n');
const NO_CAPA = 'S: +OK\nC: CAPA\nS: -ERR\n';

describe('openClient', () => {
  it('says nothing before the greeting, and logs in without any extension (RFC-12, RFC-26, RFC-28, RFC-33)', async () => {
    const client = await login(`${NO_CAPA}C: USER alice\nS: +OK\nC: PASS secret\nS: +OK`);
    expect(client.capabilities).toBeUndefined();
  });

  it('asks CAPA again after login and takes what is said then (RFC-30)', async () => {
    const client = await login(
      `S: +OK\n${capa('LOGIN-DELAY 60 USER')}\nC: USER alice\nS: +OK\nC: PASS secret\nS: +OK\n${capa('LOGIN-DELAY 300', 'UIDL')}`,
    );
    expect(client.capabilities?.parametersOf('LOGIN-DELAY')).toEqual(['300']);
  });

  it('Q46: a connection that ends in place of an answer to the password is a refusal that is not repeated', async () => {
    const cut = `${NO_CAPA}C: USER alice\nS: +OK\nC: PASS secret\nE: fin`;
    expect(await failedLogin(cut)).toMatchObject({ code: 'login-cut', retry: 'never', scope: 'account' });
    const broken = `${NO_CAPA}C: USER alice\nS: +OK\nC: PASS secret\nE: rst`;
    expect(await failedLogin(broken)).toMatchObject({ code: 'connection-closed', retry: 'later' });
  });

  it('Q46: a server that closes the connection at CAPA is asked again without it', async () => {
    const misbehaviour = [wrong.stoppedAfter({ verb: 'CAPA' }, 0, 'fin')];
    const users = [{ name: 'alice', password: 'secret', messages: [] }];
    await using server = await DemoServer.start({ users, misbehaviour });
    const client = await openClient(optionsFor(server.port, { auth: 'AUTO' }));
    await client.quit();
    expect(server.record.transcript()).toEqual(['CAPA', 'USER alice', 'PASS ***', 'QUIT']);
  });

  it('RFC-45: where [AUTH] is announced, a refusal without it is no wrong password, whatever its text says', async () => {
    const script = `S: +OK\n${capa('AUTH-RESP-CODE')}\nC: USER alice\nS: +OK\nC: PASS secret\nS: -ERR`;
    expect(await failedLogin(`${script} authentication failed`)).toMatchObject({
      code: 'login-failed',
      retry: 'later',
    });
    expect(await failedLogin(`${script} mailbox is locked`)).toMatchObject({ code: 'pop3-in-use' });
    expect(await failedLogin(`${script} [AUTH] mailbox is locked`)).toMatchObject({ code: 'login-refused' });
  });

  it('RFC-44: a text that is known says what no response code says', async () => {
    const script = `${NO_CAPA}C: USER alice\nS: +OK\nC: PASS secret\nS: -ERR`;
    expect(await failedLogin(`${script} Exceeded the login limit for a 15 minute period.`)).toMatchObject({
      code: 'pop3-login-delay',
      retry: 'later',
    });
    expect(await failedLogin('S: -ERR too many connections')).toMatchObject({ code: 'pop3-sys-temp' });
  });

  it('sends no PASS after -ERR to USER (RFC-33)', async () => {
    const cause = await failedLogin(`${NO_CAPA}C: USER alice\nS: -ERR no such user`);
    expect(cause).toMatchObject({ code: 'login-refused', retry: 'never', scope: 'account' });
  });

  it('sends a password octet for octet (RFC-34)', async () => {
    await login(`${NO_CAPA}C: USER alice\nS: +OK\nC: PASS  two  words \nS: +OK`, {
      password: ' two  words ',
    });
  });

  it('sends neither user nor password where either is not ASCII, unless CAPA shows UTF8 USER, and asks for UTF8 first (RFC-43, RFC-73)', async () => {
    expect(await failedLogin(NO_CAPA, { password: 'café' })).toMatchObject({ code: 'login-not-ascii' });
    const utf8 = `S: +OK\n${capa('UTF8 USER')}\nC: UTF8\nS: +OK\nC: USER alice\nS: +OK\nC: PASS caf\\xc3\\xa9\nS: +OK\n${capa()}`;
    await login(utf8, { password: 'café' });
  });

  it('sends nothing at all where PASS would be over-long (RFC-15)', async () => {
    expect(await failedLogin(NO_CAPA, { password: 'p'.repeat(250) })).toMatchObject({
      code: 'command-too-long',
    });
  });

  it('refuses credentials with a line end before it connects (RFC-14)', async () => {
    // Nothing listens on port 9 of the loopback: a connection would fail in another way.
    const opened = openClient(optionsFor(9, { password: 'a\r\nDELE 1' }));
    await expect(opened).rejects.toMatchObject({ code: 'secret-unusable' });
  });

  it.each([
    ['[AUTH] no', 'login-refused', 'never'],
    ['[IN-USE] locked', 'pop3-in-use', 'later'],
    ['[LOGIN-DELAY] wait', 'pop3-login-delay', 'later'],
    ['[SYS/TEMP] busy', 'pop3-sys-temp', 'later'],
    ['[SYS/PERM] broken', 'pop3-sys-perm', 'never'],
    ['no code', 'login-failed', 'later'],
  ])('tells a refusal "%s" apart (RFC-19, RFC-44, RFC-45)', async (text, code, retry) => {
    const script = `S: +OK\n${capa('AUTH-RESP-CODE')}\nC: USER alice\nS: +OK\nC: PASS secret\nS: -ERR ${text}`;
    expect(await failedLogin(script)).toMatchObject({ code, retry, scope: 'account' });
  });

  it('reads no response code where the server does not announce them (RFC-19)', async () => {
    const script = `S: +OK\n${capa('USER')}\nC: USER alice\nS: +OK\nC: PASS secret\nS: -ERR [IN-USE] no`;
    expect(await failedLogin(script)).toMatchObject({ code: 'login-refused', responseCode: undefined });
  });

  it('shows the password nowhere, also where the server repeats it', async () => {
    const trace = recordedTrace();
    const script = `${NO_CAPA}C: USER alice\nS: +OK\nC: PASS hunter2\nS: -ERR bad line: PASS hunter2\\x1b[2J`;
    const cause = await failedLogin(script, { password: 'hunter2', trace });
    expect(cause).toBeInstanceOf(Error);
    expect(JSON.stringify([trace.lines, String(cause), cause])).not.toContain('hunter2');
    expect(trace.lines).toContain('C: PASS ****');
    expect(trace.lines).toContain('S: -ERR bad line: PASS ****\\x1b[2J');
  });

  it('chooses PLAIN, then LOGIN, then USER; never APOP by itself (RFC-31, RFC-35)', async () => {
    const greeting = 'S: +OK <1@a>';
    const plain = `C: AUTH PLAIN AGFsaWNlAHNlY3JldA==\nS: +OK\n${capa()}`;
    await login(`${greeting}\n${capa('SASL LOGIN PLAIN')}\n${plain}`, { auth: 'AUTO' });
    const asked = `C: AUTH LOGIN\nS: + VXNlcm5hbWU6\nC: YWxpY2U=\nS: + UGFzc3dvcmQ6\nC: c2VjcmV0\nS: +OK\n${capa()}`;
    await login(`${greeting}\n${capa('SASL CRAM-MD5 LOGIN')}\n${asked}`, { auth: 'AUTO' });
    await login(`${greeting}\nC: CAPA\nS: -ERR\nC: USER alice\nS: +OK\nC: PASS secret\nS: +OK`, {
      auth: 'AUTO',
    });
  });

  it('says whose maildrop is meant, or nothing at all (RFC-40)', async () => {
    const whose = { user: 'admin', authorizationId: 'alice' };
    const response = Buffer.from('alice\0admin\0secret').toString('base64');
    await login(`S: +OK\n${capa('SASL LOGIN PLAIN')}\nC: AUTH PLAIN ${response}\nS: +OK\n${capa()}`, {
      ...whose,
      auth: 'AUTO',
    });
    for (const offered of ['SASL LOGIN CRAM-MD5', 'USER']) {
      const cause = await failedLogin(`S: +OK\n${capa(offered)}`, { ...whose, auth: 'AUTO' });
      expect(cause).toMatchObject({ code: 'login-not-possible' });
    }
  });

  it('gives no initial response where the mechanism is not announced or it would not fit (RFC-35, RFC-36, RFC-37, RFC-40, RFC-41)', async () => {
    await login(`${NO_CAPA}C: AUTH PLAIN\nS: + \nC: AGFsaWNlAHNlY3JldA==\nS: +OK`, { auth: 'PLAIN' });
    const password = 'p'.repeat(600);
    const response = Buffer.from(`\0alice\0${password}`).toString('base64');
    const script = `S: +OK\n${capa('SASL PLAIN')}\nC: AUTH PLAIN\nS: +\nC: ${response}\nS: +OK\n${capa()}`;
    await login(script, { auth: 'PLAIN', password });
  });

  it('says what there is where a mechanism that is named is not there, whatever response codes the server has', async () => {
    const script = `S: +OK\n${capa('SASL LOGIN XOAUTH2', 'AUTH-RESP-CODE')}\nC: AUTH PLAIN\nS: -ERR Not implemented`;
    expect(await failedLogin(script, { auth: 'PLAIN' })).toMatchObject({
      code: 'login-not-possible',
      retry: 'never',
      message: 'the server does not have PLAIN; it said: "Not implemented"',
      hint: expect.stringContaining('LOGIN, XOAUTH2'),
    });
  });

  it('cancels at a challenge that is no Base64, and tries nothing else (RFC-38, RFC-42)', async () => {
    const script = `S: +OK\n${capa('SASL LOGIN')}\nC: AUTH LOGIN\nS: + a=bc\nC: *\nS: -ERR cancelled`;
    expect(await failedLogin(script, { auth: 'LOGIN' })).toMatchObject({ code: 'login-refused' });
  });

  it('does not believe a server that has challenges without end, and cancels', async () => {
    const asked = `C: AUTH LOGIN\nS: +\nC: YWxpY2U=\nS: +\nC: c2VjcmV0\nS: +\nC: *\nS: -ERR`;
    const script = `S: +OK\n${capa('SASL LOGIN')}\n${asked}`;
    expect(await failedLogin(script, { auth: 'LOGIN' })).toMatchObject({ code: 'pop3-protocol' });
  });

  it('answers APOP with the digest of the RFC, only where it is asked for (RFC-31, RFC-32)', async () => {
    const greeting = 'S: +OK POP3 server ready <1896.697170952@dbc.mtview.ca.us>\nC: CAPA\nS: -ERR\n';
    await login(`${greeting}C: APOP mrose c4c9334bac560ecc979e58001b3e22fb\nS: +OK`, {
      auth: 'APOP',
      user: 'mrose',
      password: 'tanstaaf',
    });
    const none = await failedLogin(`S: +OK no timestamp\nC: CAPA\nS: -ERR`, { auth: 'APOP' });
    expect(none).toMatchObject({ code: 'login-apop-unavailable' });
  });

  it('Q54: refuses an endless CAPA', async () => {
    const server = await scripted('S: +OK\nC: CAPA\nS: +OK\nS*600: X');
    await expect(openConnection(optionsFor(server.port))).rejects.toMatchObject({ code: 'pop3-protocol' });
    await server.played;
  });

  it('many sessions on one signal leave no listener and give no warning', async () => {
    const { signal } = new AbortController();
    const opened = Array.from({ length: 15 }, () =>
      login(`${NO_CAPA}C: USER alice\nS: +OK\nC: PASS secret\nS: +OK`, { signal }),
    );
    await Promise.all(opened);
  });
});

describe('Pop3Client', () => {
  const ready = `${NO_CAPA}C: USER alice\nS: +OK\nC: PASS secret\nS: +OK\n`;
  const open = async (script: string) => {
    const server = await scripted(ready + script);
    return { server, client: await openClient(optionsFor(server.port)) };
  };

  it('goes on after a refusal (RFC-18, RFC-56)', async () => {
    const { client, server } = await open(`C: TOP 1 0\nS: -ERR\nC: RSET\nS: +OK${QUIT}`);
    await expect(client.top(1, 0)).rejects.toMatchObject({ code: 'pop3-refused', scope: 'message' });
    await client.rset();
    await client.quit();
    await server.played;
  });

  it('answers every later call with the cause that ended the session', async () => {
    const { client, server } = await open('C: STAT\nE: fin');
    await expect(client.stat()).rejects.toMatchObject({ code: 'connection-closed' });
    await expect(client.noop()).rejects.toMatchObject({ code: 'connection-closed' });
    await client.closed;
    await server.played;
  });

  it('Q52: closes the connection also where QUIT is refused or left without a FIN (RFC-66)', async () => {
    const { client, server } = await open('C: QUIT\nS: -ERR some deleted messages not removed');
    await expect(client.quit()).rejects.toMatchObject({ code: 'pop3-refused', retry: 'later' });
    await server.played;
    await client.closed;
  });

  it('takes empty answers and an empty message (RFC-25, RFC-46)', async () => {
    const empty = 'S: +OK\nS: .\n';
    const { client, server } = await open(
      `C: STAT\nS: +OK 0 0\nC: LIST\n${empty}C: UIDL\n${empty}C: TOP 1 0\n${empty}C: CAPA\n${empty}C: QUIT\nS: +OK`,
    );
    const listed: number[] = [];
    expect(await client.stat()).toEqual({ count: 0, octets: 0 });
    await client.list((number) => listed.push(number));
    expect(await client.uidl((number) => listed.push(number))).toBe(true);
    expect(await client.top(1, 0)).toHaveLength(0);
    expect((await client.capa())?.names).toEqual([]);
    expect(listed).toEqual([]);
    await client.quit();
    await server.played;
  });

  it('Q1: tells a server without UIDL from one whose UIDL fails (RFC-52)', async () => {
    const { client } = await open('C: UIDL\nS: -ERR unknown');
    expect(await client.uidl(() => undefined)).toBe(false);
    client.drop(new Error('the test is over'));
  });

  it('drops without QUIT (RFC-67)', async () => {
    const { client, server } = await open('C: DELE 1\nS: +OK');
    await client.dele(1);
    client.drop(new Error('in doubt'));
    await client.closed;
    await server.played;
  });

  it('Q33: keeps no more of TOP than 2 MiB, wherever it is cut (RFC-58)', async () => {
    const { client } = await open(
      'C: TOP 1 0\nS: +OK\nS*50000: 01234567890123456789012345678901234567890123456789\nS: .',
    );
    expect(await client.top(1, 0)).toHaveLength(2 * 1024 * 1024);
    client.drop(new Error('the test is over'));
  });
});
