/** Whether this machine has what the tests of GSSAPI use: a KDC, servers that speak it, and the optional package. */
import { existsSync } from 'node:fs';
import { gateOf, requireProgram } from './programs.ts';

/** Where test/services/install-kerberos.sh puts the package. */
export const KERBEROS_PACKAGE = '/var/cache/mailferry-test-kerberos/current/node_modules/kerberos';

/** What is no program, and what has it. */
const FILES: Readonly<Record<string, string>> = {
  '/usr/lib/dovecot/modules/auth/libmech_gssapi.so': 'dovecot-gssapi',
  '/usr/lib/python3/dist-packages/gssapi': 'python3-gssapi',
  [`${KERBEROS_PACKAGE}/build/Release/kerberos.node`]: 'the npm package kerberos',
};

export function requireKerberos() {
  const programs = requireProgram('dovecot', 'openssl', 'faketime', 'krb5kdc', 'kadmin.local', 'kinit');
  const missing = Object.entries(FILES).filter(([path]) => !existsSync(path));
  const names = missing.map(([, name]) => name).join(', ');
  const ofFiles = missing.length === 0 ? undefined : `${names} missing: run test/services/install.sh`;
  return gateOf(programs.reason ?? ofFiles);
}
