/**
 * The AUTH command (RFC 5034 §4): Base64, the initial response where it fits, and the ways out.
 */
import type { Pop3Client } from '../client.ts';
import { command, MAX_COMMAND_OCTETS, saslResponse, secretCommand } from '../command.ts';
import { ProtocolError } from '../errors.ts';
import type { Status } from '../status.ts';
import { type Credentials, type SaslExchange, type SaslMechanism, secretsOf } from './mechanism.ts';

/** Longest dialogue that is had: no mechanism here needs more than a handful of turns. */
const MAX_TURNS = 16;

/**
 * Logs in by one mechanism. @returns the server's +OK or -ERR.
 * @throws ProtocolError where the server breaks the dialogue.
 */
export async function authenticate(
  client: Pop3Client,
  mechanism: SaslMechanism,
  credentials: Credentials,
): Promise<Status> {
  const exchange = mechanism.start(credentials);
  const secrets = secretsOf(credentials);
  let unsaid = exchange.initialResponse;
  let status: Status;
  // RFC 5034 §3: a server that does not announce the mechanism may be older than the initial response.
  const isAnnounced = client.capabilities?.mechanisms.includes(mechanism.name) === true;
  if (unsaid !== undefined && isAnnounced && fitsInCommand(mechanism, unsaid)) {
    status = await client.ask(secretCommand(`AUTH ${mechanism.name}`, encodeInitial(unsaid), secrets), {
      isSasl: true,
    });
    unsaid = undefined;
  } else {
    status = await client.ask(command('AUTH', mechanism.name), { isSasl: true });
  }
  for (let turn = 0; ; turn += 1) {
    const challenge = challengeIn(status, unsaid === undefined && exchange.isComplete());
    if (challenge === undefined) {
      return status;
    }
    if (turn === MAX_TURNS) {
      throw new ProtocolError(`the server does not come to an end of SASL ${mechanism.name}`);
    }
    const response = responseTo(challenge, exchange, unsaid);
    status = await client.ask(saslResponse(response, secrets), { isSasl: true });
    unsaid = undefined;
  }
}

/** Some servers write +OK where `+ ` is meant: before all is said it can mean nothing else, and its text is no Base64. */
function challengeIn(status: Status, isAllSaid: boolean): string | undefined {
  if (status.kind === 'challenge') {
    return status.text;
  }
  return status.kind === 'ok' && !isAllSaid ? '' : undefined;
}

/** In Base64. */
function responseTo(challenge: string, exchange: SaslExchange, unsaid: Buffer | undefined): string {
  if (unsaid !== undefined) {
    return unsaid.toString('base64');
  }
  const octets = decodeStrict(challenge);
  // RFC 5034 §4: `*` cancels; the -ERR that follows is the failed attempt.
  return octets === undefined ? '*' : exchange.respond(octets).toString('base64');
}

function fitsInCommand({ name }: SaslMechanism, initial: Buffer): boolean {
  return `AUTH ${name} ${encodeInitial(initial)}\r\n`.length <= MAX_COMMAND_OCTETS;
}

/** An empty initial response is the single character `=` (RFC 5034 §4). */
function encodeInitial(initial: Buffer): string {
  return initial.length === 0 ? '=' : initial.toString('base64');
}

function decodeStrict(text: string): Buffer | undefined {
  const isBase64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(text);
  return isBase64 ? Buffer.from(text, 'base64') : undefined;
}
