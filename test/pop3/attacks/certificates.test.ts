/** Certificates that are wrong, each in its own way: the login is not begun, and the message says which way and what to do. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generate } from 'selfsigned';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Certificate, makeCertificate } from '../../../src/demo/certificate.ts';
import { EVERYTHING, expectNoLogin, failedLogin, GREETING, startAttacker } from '../support/attacker.ts';

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'mailferry-attacks-'));
});

afterAll(() => rmSync(folder, { recursive: true }));

describe('Q63: the certificate is wrong', () => {
  const DAY_MS = 86_400_000;
  const inDays = (days: number) => new Date(Date.now() + days * DAY_MS);

  async function selfMade(from: number, to: number, purpose: 'serverAuth' | 'clientAuth' = 'serverAuth') {
    const { cert, private: key } = await generate([{ name: 'commonName', value: 'localhost' }], {
      keyType: 'ec',
      algorithm: 'sha256',
      notBeforeDate: inDays(from),
      notAfterDate: inDays(to),
      extensions: [
        { name: 'subjectAltName', altNames: [{ type: 7, ip: '127.0.0.1' }] },
        { name: 'extKeyUsage', [purpose]: true },
      ],
    });
    return { authorityPem: cert, certificatePem: cert, privateKeyPem: key };
  }

  interface Case {
    readonly shown: () => Promise<Certificate>;
    /** Trusts the authority of what is shown, unless said otherwise. */
    readonly tls?: { caPath?: string | undefined; fingerprints?: string[]; serverName?: string };
    readonly says: RegExp;
    readonly advises: RegExp;
  }

  const CASES: Readonly<Record<string, Case>> = {
    'has expired': {
      shown: () => selfMade(-20, -10),
      says: /has expired/,
      advises: /operator has to renew it.*tls\.fingerprint/,
    },
    'is not valid yet': {
      shown: () => selfMade(10, 20),
      says: /is not valid yet/,
      advises: /clock of this machine/,
    },
    'is self-signed': {
      shown: () => selfMade(-1, 10),
      tls: { caPath: undefined },
      says: /is self-signed/,
      advises: /pin it as `tls\.fingerprint`.*`tls\.ca`/,
    },
    'is of an unknown authority': {
      shown: () => makeCertificate(),
      tls: { caPath: undefined },
      says: /has an issuer that is not known here/,
      advises: /name its authority as `tls\.ca`/,
    },
    'is for another name': {
      shown: () => makeCertificate(['other.example']),
      says: /is for another name \(DNS:other\.example\)/,
      advises: /as `host`, or as `tls\.serverName`/,
    },
    'is not for the name that the job expects': {
      shown: () => makeCertificate(),
      tls: { serverName: 'pop.example.net' },
      says: /certificate of pop\.example\.net .* is for another name \(.*127\.0\.0\.1/,
      advises: /`tls\.serverName`/,
    },
    'is for clients': {
      shown: () => selfMade(-1, 10, 'clientAuth'),
      says: /is not for servers/,
      advises: /operator has to get another one/,
    },
    'is none of those pinned, though an authority has signed it': {
      shown: () => makeCertificate(),
      tls: { fingerprints: [`sha256:${'0'.repeat(64)}`, `spki-sha256:${'A'.repeat(43)}=`] },
      says: /is sha256:[0-9a-f]{64} \(public key spki-sha256:\S{44}\), which is none of those pinned/,
      advises: /change `tls\.fingerprint`/,
    },
  };

  describe.each(['tls', 'starttls'] as const)('security %s', (security) => {
    it.each(Object.entries(CASES))(
      'it %s: that is said, with what to do',
      async (name, { shown, tls, says, advises }) => {
        const certificate = await shown();
        const path = join(folder, `${security}-${name.replaceAll(/\W/g, '-')}.pem`);
        writeFileSync(path, certificate.authorityPem);
        const attacker = await startAttacker(async (line) => {
          if (security === 'starttls') {
            line.say(GREETING);
            await line.hears('CAPA\r\n');
            line.say(`+OK\r\nSTLS\r\n${EVERYTHING}.\r\n`);
            await line.hears('STLS\r\n');
            line.say('+OK\r\n');
          }
          line.startTls(certificate);
          line.say(GREETING);
          await line.hears('CAPA\r\n');
          line.say(`+OK\r\n${EVERYTHING}.\r\n`);
        });
        const trust = { caPath: path, fingerprints: [], serverName: undefined, ...tls };
        const error = await failedLogin(attacker, { security, tls: trust, auth: 'AUTO' });
        expect(error).toMatchObject({ code: 'connection-certificate', retry: 'never' });
        expect(error.message).toMatch(says);
        expect(error.hint).toMatch(advises);
        expectNoLogin(attacker);
      },
    );
  });
});
