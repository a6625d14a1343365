/** User names and passwords that are not ASCII (RFC 6856 §2.2): what goes to the server by USER, PASS and APOP, and what never does. */
import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { openClient } from '../../../src/pop3/open-client.ts';
import { optionsFor, recordedTrace, scripted } from '../support/sessions.ts';

type Extra = Parameters<typeof optionsFor>[1];

const greeted = (capabilities: readonly string[]) =>
  ['S: +OK ready <1896.697170952@dbc.mtview.ca.us>', ...capa(capabilities)].join('\n');
const capa = (capabilities: readonly string[]) => [
  'C: CAPA',
  'S: +OK',
  ...capabilities.map((line) => `S: ${line}`),
  'S: .',
];
/** Octets of UTF-8 as a script writes them. */
const escaped = (text: string) =>
  [...Buffer.from(text, 'utf8')]
    .map((octet) => (octet < 0x7f ? String.fromCharCode(octet) : `\\x${octet.toString(16)}`))
    .join('');
const END = ['S: +OK', ...capa(['UIDL']), 'C: QUIT', 'S: +OK'].join('\n');

async function logsIn(script: string, extra: Extra): Promise<void> {
  const server = await scripted(`${script}\n${END}`);
  const client = await openClient(optionsFor(server.port, extra));
  await client.quit();
  await server.played;
}

async function failure(script: string, extra: Extra): Promise<unknown> {
  const server = await scripted(script);
  const thrown = await openClient(optionsFor(server.port, extra)).then(
    () => undefined,
    (cause: unknown) => cause,
  );
  await server.played;
  return thrown;
}

const UTF8_USER = `${greeted(['UTF8 USER', 'UIDL'])}\nC: UTF8\nS: +OK`;

describe('RFC-43: where UTF8 USER is announced, USER and PASS', () => {
  it.each<[string, Extra, string, string]>([
    ['as it is', { user: 'jürgen', password: 'ключ' }, 'jürgen', 'ключ'],
    ['composed', { user: 'ju\u0308rgen', password: 'ke\u0301y' }, 'jürgen', 'kéy'],
    ['with blanks of ASCII', { user: 'jürgen', password: 'a\u3000b\u00a0c' }, 'jürgen', 'a b c'],
    ['with the signs that SASLprep would change', { user: 'ﬁnn', password: '½\u00ad²' }, 'ﬁnn', '½\u00ad²'],
  ])('carry what is not ASCII %s', async (_, extra, user, password) => {
    await logsIn(`${UTF8_USER}\nC: USER ${escaped(user)}\nS: +OK\nC: PASS ${escaped(password)}`, extra);
  });

  it('carry it also where the server refuses UTF8, which the login does not need', async () => {
    const refused = UTF8_USER.replace(/S: \+OK$/, 'S: -ERR not now');
    const password = 'kéy';
    await logsIn(`${refused}\nC: USER alice\nS: +OK\nC: PASS ${escaped(password)}`, { password });
  });

  it('are shown nowhere, in the form of the job or of the wire', async () => {
    const trace = recordedTrace();
    const wire = escaped('kéy-41');
    const script = `${UTF8_USER}\nC: USER alice\nS: +OK\nC: PASS ${wire}\nS: -ERR bad line: PASS ${wire}`;
    const cause = await failure(script, { password: 'ke\u0301y-41', trace });
    expect(cause).toMatchObject({ code: 'login-refused', message: expect.stringContaining('PASS ****') });
    const told = JSON.stringify([trace.lines, String(cause), cause]);
    expect(told).not.toMatch(/y-41/);
  });
});

describe('RFC-43: where UTF8 USER is announced, APOP', () => {
  const digest = (password: string) =>
    createHash('md5').update(`<1896.697170952@dbc.mtview.ca.us>${password}`, 'utf8').digest('hex');

  it.each([
    ['ke\u0301y', 'kéy'],
    ['I\u00adX', 'IX'],
    ['\u2168', 'IX'],
  ])('is made of what SASLprep makes of the password, as it has to be: %j', async (password, prepared) => {
    const script = `${UTF8_USER}\nC: APOP ${escaped('jürgen')} ${digest(prepared)}`;
    await logsIn(script, { auth: 'APOP', user: 'ju\u0308rgen', password });
  });

  it.each(['k\u00e9\u0007', '\u00ad', '\ue000'])(
    'is not sent with what SASLprep prohibits: %j',
    async (password) => {
      const cause = await failure(UTF8_USER, { auth: 'APOP', password });
      expect(cause).toMatchObject({ code: 'login-not-ascii' });
    },
  );
});

describe.each(['USER-PASS', 'APOP'] as const)('RFC-43: %s', (auth) => {
  it.each<[string, readonly string[], string]>([
    ['no CAPA', [], 'S: +OK <1@a.example>\nC: CAPA\nS: -ERR'],
    ['a CAPA without UTF8', ['UIDL'], ''],
    ['UTF8 for mail alone', ['UTF8'], ''],
  ])('sends neither name nor password that is not ASCII after %s', async (_, lines, own) => {
    const asked = lines.includes('UTF8') ? '\nC: UTF8\nS: +OK' : '';
    const script = own === '' ? greeted(lines) + asked : own;
    for (const extra of [{ user: 'jürgen' }, { password: 'kéy' }]) {
      expect(await failure(script, { auth, ...extra })).toMatchObject({ code: 'login-not-ascii' });
    }
  });
});

describe('the octets of the job', () => {
  const password = 'ke\u0301y ½';

  it.each([
    ['PLAIN', `C: AUTH PLAIN ${Buffer.from(`\0alice\0${password}`).toString('base64')}`],
    ['LOGIN', `C: AUTH LOGIN\nS: +\nC: YWxpY2U=\nS: +\nC: ${Buffer.from(password).toString('base64')}`],
  ] as const)(
    'are what SASL %s carries, since the server is to prepare them (RFC 4616 §2)',
    async (auth, sent) => {
      await logsIn(`${greeted([`SASL ${auth}`, 'UIDL'])}\n${sent}`, { auth, password });
    },
  );
});
