/** Servers that know their users by passwords. */
import type { MailUser } from '../../../services/enclosure.ts';
import type { RealServer } from '../real-servers.ts';
import type { LoginAccount, LoginServer, LoginTrial } from './row.ts';

/** Characters that break a login where somebody forgets to quote them. */
export function passwordOf(user: string): string {
  return `tide-41, "${user}"=x`;
}

export async function startPasswordServer(
  users: readonly MailUser[],
  start: (users: readonly MailUser[]) => Promise<RealServer>,
): Promise<LoginServer> {
  const server = await start(users);
  const { port, tlsPort, caPath, version } = server;
  return {
    ...{ port, tlsPort, caPath, version },
    deliver: (user, messages) => server.deliver(user, messages),
    account: async (user, trial) => passwordAccount(user, trial),
    stop: () => server.stop(),
  };
}

export function passwordAccount(user: string, trial: LoginTrial): LoginAccount {
  const password = trial === 'right' ? passwordOf(user) : `not "${user}"=y`;
  const name = `PASSWORD_OF_${user.toUpperCase()}`;
  return { keys: { password: { env: name } }, env: { [name]: password }, secrets: [password] };
}
