/**
 * Logging in: which way is taken, and what a refusal means. No way here sends a reusable secret over a clear line; that
 * was settled before, by `security`.
 */
import { createHash } from 'node:crypto';
import { MailferryError, type Retry } from '../errors/mailferry-error.ts';
import type { Capabilities } from './capabilities.ts';
import type { Pop3Client } from './client.ts';
import { assertSingleLine, command, secretCommand, withoutSecrets } from './command.ts';
import { RefusedError } from './errors.ts';
import { meaningOfRefusal } from './known-texts.ts';
import { authenticate } from './sasl/authenticate.ts';
import { LOGIN } from './sasl/login.ts';
import { type Credentials, type SaslMechanism, secretsOf } from './sasl/mechanism.ts';
import { PLAIN } from './sasl/plain.ts';
import { quote, type Status } from './status.ts';

/** IANA's names in upper case, plus the two ways that are no SASL. `AUTO` never chooses APOP: its digest is weak. */
export type AuthChoice = 'AUTO' | 'PLAIN' | 'LOGIN' | 'APOP' | 'USER-PASS';

type Way = Exclude<AuthChoice, 'AUTO'>;

const MECHANISMS: Readonly<Record<'PLAIN' | 'LOGIN', SaslMechanism>> = { PLAIN, LOGIN };

/** Refuses, before anything is connected, what would become a second command. @throws MailferryError */
export function assertCredentials({ user, password }: Credentials): void {
  assertSingleLine(user, 'the user name');
  assertSingleLine(password, 'the password');
}

/** @throws RefusedError where the server says no, with what its response code means. */
export async function login(client: Pop3Client, choice: AuthChoice, credentials: Credentials): Promise<void> {
  assertCredentials(credentials);
  const way = choice === 'AUTO' ? chooseWay(client.capabilities) : choice;
  const status = await logInBy(client, way, credentials);
  if (status.kind !== 'ok') {
    throw loginRefused(client, way, status.text, credentials);
  }
}

/** AUTH only where the server lists the mechanism (RFC 5034 §3); a server without CAPA has USER and PASS. */
function chooseWay(capabilities: Capabilities | undefined): Way {
  const offered = capabilities?.mechanisms ?? [];
  return (['PLAIN', 'LOGIN'] as const).find((name) => offered.includes(name)) ?? 'USER-PASS';
}

function logInBy(client: Pop3Client, way: Way, credentials: Credentials): Promise<Status> {
  switch (way) {
    case 'USER-PASS':
      return userPass(client, credentials);
    case 'APOP':
      return apop(client, credentials);
    case 'PLAIN':
    case 'LOGIN':
      return authenticate(client, MECHANISMS[way], credentials);
  }
}

/** RFC 1939 §7: PASS only directly after a +OK to USER, the password octet for octet. */
async function userPass(client: Pop3Client, { user, password }: Credentials): Promise<Status> {
  assertAscii(client, user, password);
  // Both are built first: where PASS would be over-long, nothing is sent at all.
  const [name, pass] = [command('USER', user), secretCommand('PASS', password)];
  const named = await client.ask(name);
  return named.kind === 'ok' ? client.ask(pass) : named;
}

/** RFC 1939 §7: MD5 of the timestamp with its brackets and the secret. */
function apop(client: Pop3Client, { user, password }: Credentials): Promise<Status> {
  assertAscii(client, user, password);
  const timestamp = client.greeting.apopTimestamp;
  if (timestamp === undefined) {
    throw new MailferryError(
      'APOP was asked for, but the greeting holds no valid timestamp (one msg-id in angle brackets)',
      {
        code: 'login-apop-unavailable',
        scope: 'account',
        retry: 'never',
        hint: 'use `auth: auto`',
      },
    );
  }
  const digest = createHash('md5').update(`${timestamp}${password}`, 'utf8').digest('hex');
  return client.ask(secretCommand(`APOP ${user}`, digest, [password]));
}

/** RFC 6856 §2.2: non-ASCII in USER, PASS and APOP only where CAPA shows `UTF8 USER`. */
function assertAscii(client: Pop3Client, user: string, password: string): void {
  const isUtf8User = client.capabilities?.parametersOf('UTF8')?.includes('USER') === true;
  if (!isUtf8User && /[^\x20-\x7e]/.test(user + password)) {
    throw new MailferryError(
      'the user name or password is not ASCII, and the server does not take that by USER, PASS or APOP',
      {
        code: 'login-not-ascii',
        scope: 'account',
        retry: 'never',
        hint: 'use `auth: plain` where the server has SASL',
      },
    );
  }
}

function loginRefused(client: Pop3Client, way: Way, said: string, credentials: Credentials): RefusedError {
  const responseCode = client.responseCodeOf(said);
  const serverText = withoutSecrets(said, secretsOf(credentials));
  // RFC 3206 §6: a server that knows [AUTH] and does not say it means something else than a wrong password.
  const isWrongPassword = !(client.capabilities?.has('AUTH-RESP-CODE') ?? false);
  const meaning = meaningOfRefusal(responseCode, serverText, isWrongPassword ? 'login' : 'session');
  const retry: Retry = meaning?.retry ?? (isWrongPassword ? 'never' : 'later');
  const says = meaning?.says ?? (isWrongPassword ? 'the login was refused' : 'the login failed');
  return new RefusedError(`${says} (${way}); the server said: ${quote(serverText)}`, {
    code: meaning?.code ?? (isWrongPassword ? 'login-refused' : 'login-failed'),
    scope: 'account',
    retry,
    hint: meaning === undefined ? 'check `user`, `password` and `auth` of the account' : meaning.hint,
    serverText,
    responseCode,
  });
}
