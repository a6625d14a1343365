/**
 * The AUTH command (RFC 5034 §4): Base64, the initial response where it fits, and the ways out.
 */
import { decodeBase64 } from '../base64.ts';
import type { Pop3Client } from '../client.ts';
import { command, MAX_COMMAND_OCTETS, saslResponse, secretCommand } from '../command.ts';
import { ProtocolError } from '../errors.ts';
import type { Status } from '../status.ts';
import { withinSession } from '../within-session.ts';
import { type Credentials, type SaslExchange, type SaslMechanism, secretsOf } from './mechanism.ts';

/** Longest dialogue that is had: no mechanism here needs more than a handful of turns. */
const MAX_TURNS = 16;

/** Longest time that a mechanism takes for what it says; a KDC that does not answer may take half of it. */
const LONGEST_STEP_MS = 60_000;

/** Longest wait for the answer to a dialogue that was cancelled: nothing depends on it. */
const LONGEST_CANCEL_MS = 5_000;

/** How an attempt to log in ended. */
export interface Attempt {
  readonly status: Status;
  /** Whether anything was sent that holds or proves the secret. */
  readonly isSecretSent: boolean;
  /** Why the server refuses, where the mechanism let it say so. */
  readonly explanation: string | undefined;
  /** What of the secret was sent, in every form: the server may say it back. */
  readonly secrets: readonly string[];
}

/**
 * Logs in by one mechanism. @returns the server's +OK or -ERR.
 * @throws ProtocolError where the server breaks the dialogue, MailferryError where it does not prove itself.
 */
export async function authenticate(
  client: Pop3Client,
  mechanism: SaslMechanism,
  credentials: Credentials,
): Promise<Attempt> {
  const exchange = mechanism.start(credentials, client.saslLine);
  const secrets = secretsOf(credentials);
  let unsaid = await ownStep(client, mechanism, exchange.initialResponse);
  let said = 0;
  let status: Status;
  if (unsaid !== undefined && mayComeWithAuth(client, mechanism, unsaid)) {
    secrets.unshift(...sayable(unsaid.toString('base64')));
    status = await client.ask(secretCommand(`AUTH ${mechanism.name}`, encodeInitial(unsaid), secrets), {
      isSasl: true,
    });
    unsaid = undefined;
    said += 1;
  } else {
    status = await client.ask(command('AUTH', mechanism.name), { isSasl: true });
  }
  for (let turn = 0; ; turn += 1) {
    const challenge = challengeIn(status, unsaid === undefined && exchange.isComplete());
    if (challenge === undefined) {
      const explanation = exchange.explanation?.();
      return { status, isSecretSent: said > mechanism.secretAt, explanation, secrets };
    }
    if (turn === MAX_TURNS) {
      throw new ProtocolError(`the server does not come to an end of SASL ${mechanism.name}`);
    }
    const response =
      unsaid === undefined
        ? await responseTo(challenge, exchange, client, mechanism)
        : unsaid.toString('base64');
    secrets.unshift(...sayable(response));
    status = await client.ask(saslResponse(response, secrets), { isSasl: true });
    unsaid = undefined;
    said += response === '*' ? 0 : 1;
  }
}

/** A response that is long enough to be known again: `=`, `*` and the like say nothing. */
function sayable(response: string): string[] {
  return response.length < 8 ? [] : [response];
}

/** Some servers write +OK where `+ ` is meant: before all is said it can mean nothing else, and its text is no Base64. */
function challengeIn(status: Status, isAllSaid: boolean): string | undefined {
  if (status.kind === 'challenge') {
    return status.text;
  }
  return status.kind === 'ok' && !isAllSaid ? '' : undefined;
}

/** In Base64. */
async function responseTo(
  challenge: string,
  exchange: SaslExchange,
  client: Pop3Client,
  mechanism: SaslMechanism,
): Promise<string> {
  const octets = decodeBase64(challenge);
  if (octets === undefined) {
    // RFC 5034 §4: `*` cancels; the -ERR that follows is the failed attempt.
    return '*';
  }
  try {
    return (await ownStep(client, mechanism, exchange.respond(octets))).toString('base64');
  } catch (cause) {
    // The same, and what the mechanism found wrong is the failure, whatever the server says to it.
    const cancel = client.ask(saslResponse('*'), { isSasl: true, firstOctetMs: LONGEST_CANCEL_MS });
    await cancel.catch(() => undefined);
    throw cause;
  }
}

function ownStep<T>(client: Pop3Client, { name }: SaslMechanism, step: T | Promise<T>): Promise<T> {
  return withinSession(client, step, LONGEST_STEP_MS, `SASL ${name}`);
}

/** RFC 5034 §3, §4: only where the mechanism is announced, since an older server has no initial response; and where it fits. */
function mayComeWithAuth(
  { capabilities }: Pop3Client,
  { name, isTwoStep }: SaslMechanism,
  initial: Buffer,
): boolean {
  const isAnnounced = capabilities?.mechanisms.includes(name) === true;
  const length = `AUTH ${name} ${encodeInitial(initial)}\r\n`.length;
  return isTwoStep !== true && isAnnounced && length <= MAX_COMMAND_OCTETS;
}

/** An empty initial response is the single character `=` (RFC 5034 §4). */
function encodeInitial(initial: Buffer): string {
  return initial.length === 0 ? '=' : initial.toString('base64');
}
