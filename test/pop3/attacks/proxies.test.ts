/**
 * A proxy that lies: about having a connection, about whose it is, or in its own protocol. It gets what is its own, never a credential
 * of the mailbox; and a server never gets the proxy's.
 */
import { describe, expect, it } from 'vitest';
import type { ProxyOptions } from '../../../src/pop3/proxy.ts';
import { secretForms } from '../../support/secret-forms.ts';
import {
  type Attack,
  EVERYTHING,
  expectNoLogin,
  expectNoSecret,
  failedLogin,
  GREETING,
  startAttacker,
} from '../support/attacker.ts';

const PROXY_LOGIN = { user: 'proxy.user', password: 'mooring-17-Bollard' };
const SOCKS_NO_LOGIN = Buffer.from([5, 0]);
const SOCKS_OPEN = Buffer.from([5, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
const HTTP_OPEN = 'HTTP/1.1 200 Connection established\r\n\r\n';

type Kind = ProxyOptions['kind'];

const through = (kind: Kind, port: number, credentials?: ProxyOptions['credentials']) => ({
  host: 'pop.example.net',
  proxy: { kind, host: '127.0.0.1', port, credentials },
});

/** Waits for what the proxy is asked first. */
const asked: Readonly<Record<Kind, (attack: Attack) => Promise<void>>> = {
  socks5: ({ hears }) => hears('\x05'),
  http: ({ hears }) => hears('\r\n\r\n'),
};

/** Opens the way as a good proxy does. */
const opened: Readonly<Record<Kind, (attack: Attack) => Promise<void>>> = {
  async socks5(attack) {
    await attack.hears('\x05');
    attack.say(SOCKS_NO_LOGIN);
    await attack.hears('pop.example.net');
    attack.say(SOCKS_OPEN);
  },
  async http(attack) {
    await attack.hears('\r\n\r\n');
    attack.say(HTTP_OPEN);
  },
};

describe.each(['socks5', 'http'] as const)('a %s proxy that opens the way', (kind) => {
  it.each<[string, string | Buffer]>([
    ['garbage', Buffer.alloc(100_000, 0xee)],
    ['a greeting and capabilities', `${GREETING}+OK\r\n${EVERYTHING}.\r\n`],
    ['a second opening', kind === 'http' ? HTTP_OPEN : SOCKS_OPEN],
    ['a page', '<html>You are not connected</html>\r\n'],
    ['a NUL', '\0'],
  ])('to %s gets nothing of a login where TLS is wanted', async (_, octets) => {
    for (const security of ['tls', 'starttls'] as const) {
      const attacker = await startAttacker(async (attack) => {
        await opened[kind](attack);
        attack.say(octets);
        attack.end();
      });
      const error = await failedLogin(attacker, { auth: 'AUTO', security, ...through(kind, attacker.port) });
      expect(error.code).toMatch(/^(?:connection|pop3)-/);
      expectNoLogin(attacker);
    }
  });

  it('to a server without STLS, or with a certificate of its own, gets nothing of a login', async () => {
    const stripping = async (attack: Attack) => {
      await opened[kind](attack);
      attack.say(GREETING);
      await attack.hears('CAPA\r\n');
      attack.say(`+OK\r\n${EVERYTHING}.\r\n`);
    };
    const attacker = await startAttacker(stripping);
    const error = await failedLogin(attacker, { security: 'starttls', ...through(kind, attacker.port) });
    expect(error).toMatchObject({ code: 'connection-tls', retry: 'never' });
    expectNoLogin(attacker);
  });

  it('gets its own login and no other, and does not pass it on', async () => {
    const attacker = await startAttacker(async (attack) => {
      await asked[kind](attack);
      if (kind === 'socks5') {
        attack.say(Buffer.from([5, 2]));
        await attack.hears(PROXY_LOGIN.password);
        attack.say(Buffer.from([1, 0]));
        await attack.hears('pop.example.net');
      }
      attack.say(kind === 'http' ? HTTP_OPEN : SOCKS_OPEN);
      attack.say('-ERR [SYS/TEMP] later\r\n');
    });
    const way = through(kind, attacker.port, PROXY_LOGIN);
    const error = await failedLogin(attacker, { security: 'plaintext', ...way });
    expect(error.message).toContain('later');
    expectNoLogin({ ...attacker, heard: () => attacker.heard().replaceAll('proxy.user', '') });
    for (const form of secretForms(PROXY_LOGIN.user, PROXY_LOGIN.password)) {
      expect(JSON.stringify([error, error.message, error.hint, String(error.cause)])).not.toContain(form);
    }
  });
});

describe('a proxy that speaks its own protocol wrongly', () => {
  const answers: readonly (readonly [string, Kind, string | Buffer])[] = [
    ['SOCKS4', 'socks5', Buffer.from([0, 90, 0, 0, 0, 0, 0, 0])],
    ['SOCKS6', 'socks5', Buffer.from([6, 0])],
    ['another protocol', 'socks5', 'HTTP/1.1 200 OK\r\n\r\n'],
    [
      'both answers before it was asked, in another version',
      'socks5',
      Buffer.from([5, 0, 4, 0, 0, 1, 0, 0, 0, 0, 0, 0]),
    ],
    ['an address of an unknown kind', 'socks5', Buffer.from([5, 0, 5, 0, 0, 9, 1, 2, 3, 4, 5, 6])],
    ['a way to log in that was not offered', 'socks5', Buffer.from([5, 1])],
    ['a login where there is none to give', 'socks5', Buffer.from([5, 2])],
    ['a mailbox greeting', 'http', GREETING],
    ['no HTTP', 'http', '\0\0\0\0'],
    ['SOCKS5', 'http', SOCKS_OPEN],
    ['a header of a megabyte', 'http', `HTTP/1.1 200 OK\r\nX-Long: ${'x'.repeat(1_000_000)}\r\n\r\n`],
    ['headers without end', 'http', `HTTP/1.1 200 OK\r\n${'X-Many: x\r\n'.repeat(50_000)}`],
    ['a status line without end', 'http', `HTTP/1.1 ${'2'.repeat(1_000_000)}`],
    ['a redirection', 'http', 'HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\n\r\n'],
    ['a wish for a login', 'http', 'HTTP/1.1 407 Who?\r\nProxy-Authenticate: Basic realm="x"\r\n\r\n'],
  ];

  it.each(answers)('%s (%s) is refused by name, and gets nothing', async (_, kind, answer) => {
    const attacker = await startAttacker(async (attack) => {
      await asked[kind](attack);
      attack.say(answer);
    });
    const way = through(kind, attacker.port);
    const error = await failedLogin(attacker, { auth: 'AUTO', security: 'plaintext', ...way });
    expect(error).toMatchObject({ code: 'connection-unreachable' });
    expect(error.message).toContain(`the proxy ${kind}://127.0.0.1:${attacker.port}`);
    expectNoLogin(attacker);
    expectNoSecret(attacker);
  });

  it('and says our login to it back: that is not repeated', async () => {
    const basic = Buffer.from(`${PROXY_LOGIN.user}:${PROXY_LOGIN.password}`).toString('base64');
    const attacker = await startAttacker(async (attack) => {
      await asked.http(attack);
      attack.say(`HTTP/1.1 407 not ${basic} nor ${PROXY_LOGIN.password}\r\n\r\n`);
    });
    const error = await failedLogin(attacker, through('http', attacker.port, PROXY_LOGIN));
    expect(error.message).toContain('it answered 407 not **** nor ****');
  });
});
