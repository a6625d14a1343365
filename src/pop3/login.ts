/**
 * Logging in: which way is taken, and what a refusal means. No way here sends a reusable secret over a clear line; that
 * was settled before, by `security`.
 */
import { createHash } from 'node:crypto';
import { MailferryError, type Retry } from '../errors/mailferry-error.ts';
import type { Pop3Client } from './client.ts';
import { assertSingleLine, command, secretCommand, withoutSecrets } from './command.ts';
import { RefusedError } from './errors.ts';
import { meaningOfRefusal } from './known-texts.ts';
import type { CodeMeaning } from './response-code.ts';
import { type Attempt, authenticate } from './sasl/authenticate.ts';
import { chooseTokenWays, chooseWays, type Refusal, waysAfter } from './sasl/choose-ways.ts';
import { type Credentials, type SaslLine, secretsOf } from './sasl/mechanism.ts';
import { MECHANISMS } from './sasl/mechanisms.ts';
import { type AuthChoice, isSasl, needsPassword, type SaslName, type Way } from './sasl/names.ts';
import { opaqueString, saslprep } from './sasl/saslprep.ts';
import { quote } from './status.ts';

export type { AuthChoice } from './sasl/names.ts';

/** Refuses, before anything is connected, what would become a second command. @throws MailferryError */
export function assertCredentials({ user, password, authorizationId = '' }: Credentials): void {
  assertSingleLine(user, 'the user name');
  assertSingleLine(authorizationId, 'the authorization identity');
  assertSingleLine(password, 'the password');
}

/** @throws RefusedError where the server says no, with what its response code means. */
export async function login(client: Pop3Client, choice: AuthChoice, credentials: Credentials): Promise<void> {
  assertCredentials(credentials);
  const line = client.saslLine;
  const ways = choice === 'AUTO' ? chooseAmong(line, credentials) : [choice];
  // Without a word about whose maildrop is meant, that of the user itself would be opened.
  const [first, ...others] = ways.filter(
    (way) => credentials.authorizationId === undefined || canSayWhose(way),
  );
  if (first === undefined) {
    throw noWayToSayWhose(ways);
  }
  let way: Way | undefined = first;
  let left: readonly Way[] = others;
  for (;;) {
    const failed = await tryWay(client, way, credentials);
    if (failed === undefined) {
      return;
    }
    [way, ...left] = waysAfter(failed.refusal, left, client.tlsFacts !== undefined);
    if (way === undefined) {
      throw failed.error;
    }
  }
}

function chooseAmong(line: SaslLine, { isToken }: Credentials): readonly Way[] {
  return isToken === true ? chooseTokenWays(line) : chooseWays(line);
}

function canSayWhose(way: Way): boolean {
  return isSasl(way) && MECHANISMS[way].hasAuthorizationId === true;
}

function noWayToSayWhose(ways: readonly Way[]): MailferryError {
  return new MailferryError(`${ways.join(', ')} cannot say whose maildrop is meant (authorizationId)`, {
    code: 'login-not-possible',
    scope: 'account',
    retry: 'never',
    hint: 'the server has to announce PLAIN, SCRAM or EXTERNAL for that; GSSAPI, by its name, can say it too',
  });
}

interface Failed {
  readonly error: MailferryError;
  readonly refusal: Refusal;
}

/** @returns undefined where it came to a login. */
async function tryWay(client: Pop3Client, way: Way, credentials: Credentials): Promise<Failed | undefined> {
  try {
    const attempt = await logInBy(client, way, credentials);
    return attempt.status.kind === 'ok' ? undefined : failedBy(client, way, attempt);
  } catch (error) {
    if (error instanceof MailferryError && error.code === 'login-not-possible') {
      return { error, refusal: { way, isSecretSent: false, explanation: undefined, meaning: undefined } };
    }
    throw error;
  }
}

function logInBy(client: Pop3Client, way: Way, credentials: Credentials): Promise<Attempt> {
  switch (way) {
    case 'USER-PASS':
      return userPass(client, credentials);
    case 'APOP':
      return apop(client, credentials);
    default:
      return authenticate(client, MECHANISMS[way], credentials);
  }
}

/** RFC 1939 §7: PASS only directly after a +OK to USER, the password octet for octet. */
async function userPass(client: Pop3Client, credentials: Credentials): Promise<Attempt> {
  const { user, password } = inUtf8(client, credentials, opaqueString);
  // Both are built first: where PASS would be over-long, nothing is sent at all.
  const [name, pass] = [command('USER', user), secretCommand('PASS', password)];
  const named = await client.ask(name);
  const isSecretSent = named.kind === 'ok';
  return {
    status: isSecretSent ? await client.ask(pass) : named,
    isSecretSent,
    explanation: undefined,
    secrets: [...secretsOf({ user, password }), ...secretsOf(credentials)],
  };
}

/** RFC 1939 §7: MD5 of the timestamp with its brackets and the secret. */
async function apop(client: Pop3Client, credentials: Credentials): Promise<Attempt> {
  const { user, password } = inUtf8(client, credentials, saslprep);
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
  const status = await client.ask(secretCommand(`APOP ${user}`, digest, [password]));
  const secrets = [digest, ...secretsOf({ user, password }), ...secretsOf(credentials)];
  return { status, isSecretSent: true, explanation: undefined, secrets };
}

/**
 * RFC 6856 §2.2: non-ASCII in USER, PASS and APOP only where CAPA shows `UTF8 USER`, and then in the one form that names and
 * passwords which look alike have in common.
 * @param prepare undefined where the text cannot have that form
 */
function inUtf8(
  client: Pop3Client,
  { user, password }: Credentials,
  prepare: (text: string) => string | undefined,
): Pick<Credentials, 'user' | 'password'> {
  if (!/[^\x20-\x7e]/.test(user + password)) {
    return { user, password };
  }
  if (client.capabilities?.parametersOf('UTF8')?.includes('USER') !== true) {
    throw notAscii('is not ASCII, and the server does not take that by USER, PASS or APOP');
  }
  const [name, secret] = [prepare(user), prepare(password)];
  if (!name || !secret) {
    throw notAscii('holds characters that RFC 4013 prohibits');
  }
  return { user: name, password: secret };
}

function notAscii(what: string): MailferryError {
  return new MailferryError(`the user name or password ${what}`, {
    code: 'login-not-ascii',
    scope: 'account',
    retry: 'never',
    hint: 'use `auth: plain` where the server has SASL',
  });
}

function failedBy(
  client: Pop3Client,
  way: Way,
  { status, isSecretSent, explanation, secrets }: Attempt,
): Failed {
  const responseCode = client.responseCodeOf(status.text);
  const serverText = withoutSecrets(status.text, secrets);
  // RFC 3206 §6: a server that knows [AUTH] and does not say it means something else than a wrong password.
  const isWrongPassword = !(client.capabilities?.has('AUTH-RESP-CODE') ?? false);
  const meaning = meaningOfRefusal(responseCode, serverText, isWrongPassword ? 'login' : 'session');
  if (isSasl(way) && !isSecretSent && meaning === undefined && isMissing(client, way)) {
    return { error: notThere(client, way, serverText), refusal: { way, isSecretSent, explanation, meaning } };
  }
  const retry: Retry = meaning?.retry ?? (isWrongPassword ? 'never' : 'later');
  const says = isAboutPassword(way, meaning) ? meaning?.says : 'the login was refused';
  const because = explanation === undefined ? '' : `: ${explanation}`;
  const inWords = says ?? (isWrongPassword ? 'the login was refused' : 'the login failed');
  const error = new RefusedError(`${inWords} (${way})${because}; the server said: ${quote(serverText)}`, {
    code: meaning?.code ?? (isWrongPassword ? 'login-refused' : 'login-failed'),
    scope: 'account',
    retry,
    hint: hintFor(way, meaning),
    serverText,
    responseCode,
  });
  return { error, refusal: { way, isSecretSent, explanation, meaning } };
}

function isMissing({ capabilities }: Pop3Client, way: SaslName): boolean {
  return capabilities !== undefined && !capabilities.mechanisms.includes(way);
}

/** Named by the job, not announced, and refused at its name: that will not pass by itself. */
function notThere({ capabilities }: Pop3Client, way: SaslName, serverText: string): MailferryError {
  const announced = capabilities?.mechanisms.join(', ') || 'none';
  return new RefusedError(`the server does not have ${way}; it said: ${quote(serverText)}`, {
    code: 'login-not-possible',
    scope: 'account',
    retry: 'never',
    hint: `use \`auth: auto\`, or a mechanism that it announces: ${announced}`,
    serverText,
    responseCode: undefined,
  });
}

/** [AUTH] speaks of a password also where none was sent. */
function isAboutPassword(way: Way, meaning: CodeMeaning | undefined): boolean {
  return meaning?.code !== 'login-refused' || needsPassword(way);
}

function hintFor(way: Way, meaning: CodeMeaning | undefined): string | undefined {
  const isAboutSecret = meaning === undefined || meaning.code === 'login-refused';
  const ofMechanism = isSasl(way) && isAboutSecret ? MECHANISMS[way].hint : undefined;
  return (
    ofMechanism ??
    (meaning === undefined ? 'check `user`, `password` and `auth` of the account' : meaning.hint)
  );
}
