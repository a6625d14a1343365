/** Dovecot with access tokens: that it reads itself, or asks the server about that gave them. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AuthorizationServer, CLIENT, type Fate } from '../../../services/authorization-server.ts';
import { startDovecot } from '../../../services/dovecot.ts';
import { introspectionSettings, makeTokenIssuer } from '../../../services/oauth.ts';
import { dovecotVersion } from '../real-servers.ts';
import type { LoginServer, LoginTrial } from './row.ts';

const FATES: Readonly<Record<LoginTrial, Fate>> = {
  right: 'good',
  wrong: 'of-somebody-else',
  expired: 'expired',
  revoked: 'revoked',
};

export async function startOauthServer(validation: 'local' | 'introspection'): Promise<LoginServer> {
  const folder = mkdtempSync(join(tmpdir(), 'mailferry-oauth-'));
  const isLocal = validation === 'local';
  const issuer = makeTokenIssuer(folder);
  const authorization = await AuthorizationServer.start(
    isLocal ? (user, isExpired) => issuer.token(user, isExpired ? { iat: 1, exp: 1_000 } : {}) : undefined,
  );
  const dovecot = await startDovecot({
    users: [{ name: 'nobody', password: 'unused' }],
    mechanisms: ['plain', 'xoauth2', 'oauthbearer'],
    settings: isLocal ? issuer.settings : introspectionSettings(folder, authorization.introspectionUrl),
  });
  const { port, tlsPort, caPath } = dovecot;
  const grants = new Map<string, string>();
  return {
    ...{ port, tlsPort, caPath, version: await dovecotVersion() },
    deliver: async (user, messages) => dovecot.deliver(user, messages),
    account: async (user, trial) => {
      const refreshToken = authorization.grant(user, FATES[trial]);
      grants.set(`${user} ${trial}`, refreshToken);
      const name = `REFRESH_TOKEN_OF_${user.toUpperCase()}`;
      const oauth = {
        tokenEndpoint: authorization.tokenUrl,
        clientId: CLIENT.id,
        clientSecret: { env: 'CLIENT_SECRET' },
        refreshToken: { env: name },
      };
      return {
        keys: { password: { oauth } },
        env: { CLIENT_SECRET: CLIENT.secret, [name]: refreshToken },
        secrets: [CLIENT.secret, refreshToken],
      };
    },
    tokens: (user, trial) =>
      authorization
        .givenFor(grants.get(`${user} ${trial}`) ?? '')
        .map((text) => ({ text, questions: authorization.questionsAbout(text) })),
    stop: async () => {
      await dovecot.stop();
      await authorization[Symbol.asyncDispose]();
      rmSync(folder, { recursive: true });
    },
  };
}
