/**
 * Takes NODE_EXTRA_CA_CERTS out of the environment of all tests; this file is a global set-up of vitest. Node reads its authorities,
 * and its own with them, before it runs anything: three times the start of a program that is started thousands of times here.
 * Tests that need an authority name it themselves.
 */
import { env } from 'node:process';

/** @returns the tear-down. */
export default function leaveAuthoritiesOut(): () => void {
  const before = env['NODE_EXTRA_CA_CERTS'];
  delete env['NODE_EXTRA_CA_CERTS'];
  return () => {
    if (before !== undefined) {
      env['NODE_EXTRA_CA_CERTS'] = before;
    }
  };
}
