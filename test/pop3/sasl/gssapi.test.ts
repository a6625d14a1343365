/** SASL GSSAPI by a security context that plays by a script: the dialogue of RFC 4752, and servers that do not keep to it. */
import { describe, expect, it } from 'vitest';
import { MailferryError } from '../../../src/errors/mailferry-error.ts';
import { openConnection } from '../../../src/pop3/open-client.ts';
import { authenticate } from '../../../src/pop3/sasl/authenticate.ts';
import type { GssContext, OpenGssContext } from '../../../src/pop3/sasl/gss-context.ts';
import { gssapi } from '../../../src/pop3/sasl/gssapi.ts';
import type { SaslExchange, SaslLine } from '../../../src/pop3/sasl/mechanism.ts';
import { optionsFor, recordedTrace, scripted } from '../support/sessions.ts';

const LINE: SaslLine = {
  host: '192.0.2.1',
  port: 995,
  serverName: 'pop.example.net',
  channelBinding: undefined,
  hasClientCertificate: false,
  offered: ['GSSAPI'],
};
const ALICE = { user: 'alice', password: '' };

/** Tokens are words; a wrapped message is itself between brackets. */
class ScriptedContext implements GssContext {
  isEstablished = false;
  readonly #tokens: string[];

  /** @param tokens the initiator's, the last of which ends the establishment */
  constructor(tokens = ['ticket', '']) {
    this.#tokens = [...tokens];
  }

  async step(token: Buffer): Promise<Buffer> {
    if (token.toString() === 'forged') throw notProven();
    const next = Buffer.from(this.#tokens.shift() ?? 'too much');
    this.isEstablished = this.#tokens.length === 0;
    return next;
  }

  async unwrap(token: Buffer): Promise<Buffer> {
    if (!this.isEstablished || token.at(0) !== 0x5b) throw notProven();
    return token.subarray(1, -1);
  }

  async wrap(message: Buffer): Promise<Buffer> {
    return Buffer.concat([Buffer.from('['), message, Buffer.from(']')]);
  }
}

function notProven(): MailferryError {
  return new MailferryError('forged', { code: 'login-server-not-proven', scope: 'account', retry: 'never' });
}

const noTicket = new MailferryError('no ticket', {
  code: 'login-no-ticket',
  scope: 'account',
  retry: 'never',
});

function start(credentials: object = {}, context: GssContext = new ScriptedContext()): SaslExchange {
  return gssapi(async () => context).start({ ...ALICE, ...credentials }, LINE);
}

async function codeOf(promise: Promise<unknown> | unknown): Promise<unknown> {
  try {
    return await promise;
  } catch (cause) {
    return cause instanceof MailferryError ? cause.code : cause;
  }
}

const offer = (...octets: number[]) =>
  Buffer.concat([Buffer.from('['), Buffer.from(octets), Buffer.from(']')]);

/** Up to where the server has to say which layers it has. */
async function proven(credentials: object = {}): Promise<SaslExchange> {
  const exchange = start(credentials);
  await exchange.initialResponse;
  await exchange.respond(Buffer.from('proof'));
  return exchange;
}

describe('RFC 4752: GSSAPI', () => {
  it('says the token, an empty answer to the proof of the server, and the choice of no layer with the user', async () => {
    const exchange = start();
    expect((await exchange.initialResponse)?.toString()).toBe('ticket');
    expect(await exchange.respond(Buffer.from('proof'))).toEqual(Buffer.alloc(0));
    expect(exchange.isComplete()).toBe(false);
    const chosen = await exchange.respond(offer(7, 0, 255, 255));
    expect(chosen.toString('latin1')).toBe('[\u0001\0\0\0alice]');
    expect(exchange.isComplete()).toBe(true);
  });

  it('goes on as long as the context has tokens', async () => {
    const exchange = start({}, new ScriptedContext(['one', 'two', 'three']));
    expect((await exchange.initialResponse)?.toString()).toBe('one');
    expect((await exchange.respond(Buffer.from('a'))).toString()).toBe('two');
    expect((await exchange.respond(Buffer.from('b'))).toString()).toBe('three');
    expect((await exchange.respond(offer(1, 0, 0, 0))).toString('latin1')).toBe('[\u0001\0\0\0alice]');
  });

  it('says whose maildrop is meant, in UTF-8', async () => {
    const exchange = await proven({ authorizationId: 'j\u00f6rg' });
    expect((await exchange.respond(offer(1, 0, 0, 0))).subarray(5, -1).toString('utf8')).toBe('j\u00f6rg');
  });

  it('is about the service by the name that the server proves itself by, not by its address', async () => {
    const asked: string[] = [];
    const open: OpenGssContext = async (host) => {
      asked.push(host);
      return new ScriptedContext();
    };
    await gssapi(open).start(ALICE, LINE).initialResponse;
    expect(asked).toEqual(['pop.example.net']);
  });

  it.each([
    ['no layer is not on offer', offer(6, 0, 16, 0), 'login-security-layer'],
    ['the offer has three octets', offer(1, 0, 0), 'pop3-protocol'],
    ['the offer has five octets', offer(1, 0, 0, 0, 0), 'pop3-protocol'],
    ['the offer is empty', offer(), 'pop3-protocol'],
    ['the offer is not wrapped', Buffer.from([1, 0, 0, 0]), 'login-server-not-proven'],
    ['the server says nothing', Buffer.alloc(0), 'pop3-protocol'],
  ])('says nothing about a maildrop where %s', async (_, challenge, code) => {
    const exchange = await proven();
    expect(await codeOf(exchange.respond(challenge))).toBe(code);
    expect(exchange.isComplete()).toBe(false);
  });

  it('believes no server that leaves out its proof, or has a false one', async () => {
    for (const [challenge, code] of [
      ['', 'pop3-protocol'],
      ['forged', 'login-server-not-proven'],
    ] as const) {
      const exchange = start();
      await exchange.initialResponse;
      expect(await codeOf(exchange.respond(Buffer.from(challenge)))).toBe(code);
      expect(exchange.isComplete()).toBe(false);
    }
  });

  it('answers nothing after its end', async () => {
    const exchange = await proven();
    await exchange.respond(offer(1, 0, 0, 0));
    expect(await codeOf(exchange.respond(offer(1, 0, 0, 0)))).toBe('pop3-protocol');
  });
});

const CAPA = 'C: CAPA\nS: +OK\nS: SASL GSSAPI\nS: .';
const b64 = (text: string) => Buffer.from(text, 'latin1').toString('base64');
/** Longer than fits behind AUTH, as every real one is. */
const TICKET = 'ticket'.repeat(40);
const BEGUN = ['S: +OK', CAPA, 'C: AUTH GSSAPI', 'S: +', `C: ${b64(TICKET)}`];
const PROVEN = [...BEGUN, `S: + ${b64('proof')}`, 'C: '];

async function logIn(script: readonly string[], open: OpenGssContext = async () => longContext()) {
  const server = await scripted(script.join('\n'));
  const trace = recordedTrace();
  const client = await openConnection(optionsFor(server.port, { trace }));
  const ended = await codeOf(authenticate(client, gssapi(open), ALICE));
  client.drop(new Error('the test is over'));
  await server.played;
  return { ended, trace: trace.lines.join('\n') };
}

const longContext = () => new ScriptedContext([TICKET, '']);

describe('over the wire', () => {
  it('RFC-37: a token that does not fit behind AUTH goes in a line of its own, and an empty answer is an empty line', async () => {
    const { ended, trace } = await logIn([
      ...PROVEN,
      `S: + ${b64('[\u0001\0\0\0]')}`,
      `C: ${b64('[\u0001\0\0\0alice]')}`,
      'S: +OK',
    ]);
    expect(ended).toMatchObject({ status: { kind: 'ok' } });
    for (const token of [TICKET, 'proof', '[\u0001\0\0\0alice]']) expect(trace).not.toContain(b64(token));
  });

  it('a refusal at the end is the refusal of what was proved', async () => {
    const { ended } = await logIn([
      ...PROVEN,
      `S: + ${b64('[\u0001\0\0\0]')}`,
      `C: ${b64('[\u0001\0\0\0alice]')}`,
      'S: -ERR [AUTH] no',
    ]);
    expect(ended).toMatchObject({ status: { kind: 'err' }, isSecretSent: true });
  });

  it.each([
    ['a false proof', [...BEGUN, `S: + ${b64('forged')}`], 'login-server-not-proven'],
    ['a +OK in place of the proof', [...BEGUN, 'S: +OK'], 'pop3-protocol'],
    ['a +OK in place of the offer', [...PROVEN, 'S: +OK'], 'pop3-protocol'],
    ['an offer of three octets', [...PROVEN, `S: + ${b64('[\u0001\0\0]')}`], 'pop3-protocol'],
  ])('%s is cancelled, and is the failure whatever the server says to that', async (_, script, code) => {
    for (const answer of ['S: -ERR cancelled', 'S: +OK welcome', 'S: + more', 'E: fin']) {
      const { ended } = await logIn([...script, 'C: *', answer]);
      expect(ended).toBe(code);
    }
  });

  it('without a ticket nothing is sent', async () => {
    const { ended } = await logIn(['S: +OK', CAPA], () => Promise.reject(noTicket));
    expect(ended).toBe('login-no-ticket');
  });

  it('a server that has gone meanwhile is not waited for', async () => {
    const { ended } = await logIn(['S: +OK', CAPA, 'E: fin'], () => new Promise(() => undefined));
    expect(ended).toBe('login-too-late');
  });
});
