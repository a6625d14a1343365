/** The two messages of a SCRAM server (RFC 5802 §7), read strictly and within bounds: they come from whoever answers. */
import { MailferryError } from '../../errors/mailferry-error.ts';
import { decodeBase64 } from '../base64.ts';
import { withoutSecrets } from '../command.ts';
import { ProtocolError } from '../errors.ts';
import { quote } from '../status.ts';

export interface ServerFirst {
  /** The client's nonce and the server's behind it. */
  readonly nonce: string;
  readonly salt: Buffer;
  readonly iterations: number;
}

export type ServerFinal =
  | { readonly kind: 'proof'; readonly signature: Buffer }
  | { readonly kind: 'refused'; readonly reason: string };

/** RFC 7677 §4. A server that asks for fewer, or somebody in its place, makes the password cheap to guess. */
const LEAST_ITERATIONS = 4_096;
/** Some seconds of work: more would be an attack on us. */
const MOST_ITERATIONS = 2_000_000;
const LONGEST_NONCE = 1_024;
const LONGEST_SALT_OCTETS = 1_024;

/** @throws ProtocolError, MailferryError `login-scram-iterations` */
export function parseServerFirst(text: string, clientNonce: string): ServerFirst {
  const parts = /^r=([\x21-\x2b\x2d-\x7e]+),s=([A-Za-z0-9+/=]+),i=([1-9][0-9]{0,9})(?:,.*)?$/s.exec(text);
  const [, nonce = '', saltText = '', count = ''] = parts ?? [];
  const salt = decodeBase64(saltText);
  if (parts === null || salt === undefined || salt.length === 0 || salt.length > LONGEST_SALT_OCTETS) {
    throw new ProtocolError(
      `expected nonce, salt and iterations of SCRAM from the server, got ${quote(text)}`,
    );
  }
  const isOurs = nonce.startsWith(clientNonce) && nonce.length > clientNonce.length;
  if (!isOurs || nonce.length > LONGEST_NONCE) {
    throw new ProtocolError('the nonce of the server in SCRAM does not begin with ours and go on');
  }
  const iterations = Number(count);
  if (iterations < LEAST_ITERATIONS || iterations > MOST_ITERATIONS) {
    throw new MailferryError(
      `the server asks for ${iterations} iterations in SCRAM; expected ${LEAST_ITERATIONS} to ${MOST_ITERATIONS}`,
      {
        code: 'login-scram-iterations',
        scope: 'account',
        retry: 'never',
        hint: 'the operator of the server has to store the password anew; or use `auth: plain` over TLS',
      },
    );
  }
  return { nonce, salt, iterations };
}

/** What RFC 5802 §7 lets a server give as a reason, in words; others are shown as they are. */
const REASONS: Readonly<Record<string, string>> = {
  'invalid-proof': 'the user name or the password is wrong',
  'unknown-user': 'the user name is not known',
  'channel-bindings-dont-match': 'this TLS connection does not end at the server: somebody may be in between',
  'server-does-support-channel-binding': 'the server has channel binding, but somebody on the way hid that',
  'channel-binding-not-supported': 'the server has no channel binding',
  'unsupported-channel-binding-type': 'the server has channel binding of another type only',
  'no-resources': 'the server has no resources for it now',
};

/** @param secrets what a reason of the server's own must not show. @throws ProtocolError */
export function parseServerFinal(text: string, secrets: readonly string[]): ServerFinal {
  const [, kind, value = ''] = /^([ve])=([^,]*)(?:,.*)?$/s.exec(text) ?? [];
  if (kind === 'e') {
    return { kind: 'refused', reason: REASONS[value] ?? quote(withoutSecrets(value, secrets)) };
  }
  const signature = decodeBase64(value);
  if (kind !== 'v' || signature === undefined) {
    throw new ProtocolError('the server ended SCRAM without a proof that it knows the password');
  }
  return { kind: 'proof', signature };
}
