/** What Kerberos says, in words, and which tokens may be given to the package. Texts and tokens are those of MIT Kerberos 1.20. */
import { describe, expect, it } from 'vitest';
import { holdsMessage } from '../../../src/pop3/sasl/kerberos.ts';
import { missingPackage, notProven, ticketTrouble } from '../../../src/pop3/sasl/kerberos-errors.ts';

const UNSPECIFIED = 'Unspecified GSS failure.  Minor code may provide more information: ';

describe('a ticket that cannot be had', () => {
  it.each([
    [
      'No credentials were supplied, or the credentials were unavailable or inaccessible: No Kerberos credentials available (default cache: FILE:/tmp/krb5cc_0)',
      'login-no-ticket',
      'never',
      /run `kinit`/,
    ],
    [`${UNSPECIFIED}Ticket expired`, 'login-ticket-expired', 'never', /run `kinit`/],
    [
      `${UNSPECIFIED}Server pop/192.0.2.1@EXAMPLE.NET not found in Kerberos database`,
      'login-unknown-service',
      'never',
      /`tls.serverName`/,
    ],
    [
      `${UNSPECIFIED}Server krbtgt/EXAMPLE.NET@EXAMPLE.ORG not found in Kerberos database`,
      'login-unknown-service',
      'never',
      /never an address/,
    ],
    [
      `${UNSPECIFIED}Cannot contact any KDC for realm 'EXAMPLE.NET'`,
      'login-kdc-unreachable',
      'later',
      /later run/,
    ],
    [`${UNSPECIFIED}Cannot find KDC for realm "EXAMPLE.NET"`, 'login-no-realm', 'never', /krb5\.conf/],
    [`${UNSPECIFIED}Clock skew too great`, 'login-clock-skew', 'never', /clock/],
    [`${UNSPECIFIED}Something of tomorrow`, 'login-kerberos', 'never', /kinit/],
  ])('is told in words with what to do: %s', (text, code, retry, hint) => {
    const error = ticketTrouble(text, 'pop@pop.example.net');
    expect(error).toMatchObject({ code, retry, scope: 'account', hint: expect.stringMatching(hint) });
    expect(error.message).toContain(text.slice(text.indexOf(': ') + 2));
    expect(error.message).not.toContain('Unspecified');
  });

  it('is told by the first half of the text where the second says nothing', () => {
    const said = notProven('Invalid token was supplied: Success', 'pop@h').message;
    expect(said).toMatch(/it is pop@h: Invalid token was supplied$/);
  });

  it('shows nothing that would steer a terminal', () => {
    expect(ticketTrouble('a\u001b[2Jb', 's').message).toContain('a\\x1b[2Jb');
  });
});

describe('the package', () => {
  it.each([
    ['ERR_MODULE_NOT_FOUND', "Cannot find package 'kerberos' imported from /x"],
    ['MODULE_NOT_FOUND', "Cannot find module 'kerberos'\nRequire stack:\n- /x"],
  ])('that is not installed (%s) is told with the command that installs it', (code, text) => {
    const cause = Object.assign(new Error(text), { code });
    const error = missingPackage(cause);
    expect(error).toMatchObject({ code: 'login-package-missing', retry: 'never', scope: 'account' });
    expect(error.message).toMatch(/kerberos, which is not installed$/);
    expect(error.hint).toMatch(/`npm install kerberos`.*libkrb5-dev/);
  });

  it('that does not load is told with the reason', () => {
    const text = "Cannot find module '../build/Debug/kerberos.node'\nRequire stack:\n- /x";
    const cause = Object.assign(new Error(text), { code: 'MODULE_NOT_FOUND' });
    expect(missingPackage(cause).message).toMatch(/loaded: Cannot find module '[^']*'$/);
  });
});

const HEADER = '050405ff000c0000000000001c20c7ff';
const CHECKSUM = '274e956e183e17260a99cbc1';

describe('a token of the server', () => {
  it.each<[string, string, boolean]>([
    ['four octets in clear', `${HEADER}01000000${CHECKSUM}`, true],
    ['one octet', `${HEADER}01${CHECKSUM}`, true],
    ['nothing, which would end the process', `${HEADER}${CHECKSUM}`, false],
    ['a checksum that is longer than the token', HEADER, false],
    [
      'something sealed, whose length nobody can see',
      `050407ff${HEADER.slice(8)}${CHECKSUM.repeat(4)}`,
      false,
    ],
    ['a token of the old kind with four octets and their padding', `6030${'00'.repeat(49)}`, true],
    ['a token of the old kind with padding alone', `602c${'00'.repeat(44)}`, false],
    ['no octet at all', '', false],
  ])('that has %s', (_, hex, expected) => {
    expect(holdsMessage(Buffer.from(hex, 'hex'))).toBe(expected);
  });
});
