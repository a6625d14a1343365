/**
 * How Dovecot checks access tokens: by itself, where they are signed texts (RFC 7519, RS256; nobody is asked), or by asking the server
 * that gave them (RFC 7662). Must not use any code of the product.
 */
import { generateKeyPairSync, sign } from 'node:crypto';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const ISSUER = 'https://issuer.test';

export interface TokenIssuer {
  /** Lines for `settings` of startDovecot. */
  readonly settings: string;
  /** A token for a user, good for five minutes unless claims say otherwise. */
  token(user: string, claims?: object): string;
}

/** Writes the public key and Dovecot's configuration into an existing folder, which Dovecot's processes must be able to read. */
export function makeTokenIssuer(folder: string): TokenIssuer {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  // As Dovecot 2.3 looks for it: keys/<azp>/<algorithm>/<key id>.
  const keys = join(folder, 'keys', 'default', 'RS256');
  mkdirSync(keys, { recursive: true });
  for (const each of [folder, join(folder, 'keys'), join(folder, 'keys', 'default'), keys])
    chmodSync(each, 0o755);
  writeFileSync(join(keys, 'default'), publicKey.export({ type: 'spki', format: 'pem' }), { mode: 0o644 });
  const settings = writeSettings(folder, [
    'introspection_mode = local',
    `local_validation_key_dict = fs:posix:prefix=${join(folder, 'keys')}/`,
    `issuers = ${ISSUER}`,
  ]);
  return {
    settings,
    token: (user, claims = {}) => {
      const now = Math.floor(Date.now() / 1000);
      const payload = { sub: user, iss: ISSUER, iat: now, exp: now + 300, ...claims };
      const parts = [{ alg: 'RS256', typ: 'JWT' }, payload].map((part) =>
        Buffer.from(JSON.stringify(part)).toString('base64url'),
      );
      const text = parts.join('.');
      return `${text}.${sign('RSA-SHA256', Buffer.from(text), privateKey).toString('base64url')}`;
    },
  };
}

/** Lines for `settings` of startDovecot: it asks at `url` about each token. Writes its configuration into an existing folder. */
export function introspectionSettings(folder: string, url: string): string {
  return writeSettings(folder, [
    'introspection_mode = post',
    `introspection_url = ${url}`,
    'active_attribute = active',
    'active_value = true',
  ]);
}

function writeSettings(folder: string, lines: readonly string[]): string {
  chmodSync(folder, 0o755);
  const path = join(folder, 'oauth2.conf');
  writeFileSync(path, `${[...lines, 'username_attribute = sub'].join('\n')}\n`, { mode: 0o644 });
  return `passdb {\n  driver = oauth2\n  mechanisms = xoauth2 oauthbearer\n  args = ${path}\n}\n`;
}
