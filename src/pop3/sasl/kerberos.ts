/**
 * Security contexts by the system's Kerberos, through the optional package `kerberos`. The only file that knows it; it is loaded when
 * somebody logs in by GSSAPI. Three traits of version 7 are dealt with here:
 *
 * - `wrap` writes the octet "no security layer" and the name behind three octets by itself, and cuts a long name without a word;
 * - `unwrap` ends the process where the message in the token is empty;
 * - errors are texts without codes (see kerberos-errors.ts).
 */
import type { KerberosClient } from 'kerberos';
import { textOf } from '../../errors/mailferry-error.ts';
import type { GssContext } from './gss-context.ts';
import { missingPackage, notProven, ticketTrouble } from './kerberos-errors.ts';

/** Of a wrapped answer: what `wrap` makes of the four octets about the layer. */
const CHOICE_OCTETS = 4;
const MAX_WRAPPED_OCTETS = 4_095;

/** The ticket is that of the calling user: the credential cache that KRB5CCNAME names, or the system's default. */
export async function openKerberosContext(host: string): Promise<GssContext> {
  const kerberos = await loadPackage();
  // RFC 4752 §3.1; krb5 is the only mechanism of GSS-API that this one of SASL may use.
  const flags = kerberos.GSS_C_MUTUAL_FLAG | kerberos.GSS_C_SEQUENCE_FLAG | kerberos.GSS_C_INTEG_FLAG;
  const service = `pop@${host}`;
  try {
    const options = { mechOID: kerberos.GSS_MECH_OID_KRB5, flags };
    return new KerberosContext(await kerberos.initializeClient(service, options), service);
  } catch (cause) {
    throw ticketTrouble(textOf(cause), service);
  }
}

async function loadPackage() {
  try {
    return (await import('kerberos')).default;
  } catch (cause) {
    throw missingPackage(cause);
  }
}

class KerberosContext implements GssContext {
  readonly #client: KerberosClient;
  readonly #service: string;

  constructor(client: KerberosClient, service: string) {
    this.#client = client;
    this.#service = service;
  }

  get isEstablished(): boolean {
    return this.#client.contextComplete;
  }

  async step(token: Buffer): Promise<Buffer> {
    try {
      return decoded((await this.#client.step(token.toString('base64'))) ?? '');
    } catch (cause) {
      // Only the first one asks the ticket and the KDC; the others judge what the server has sent.
      throw token.length === 0 ? ticketTrouble(textOf(cause), this.#service) : this.#notProven(cause);
    }
  }

  async unwrap(token: Buffer): Promise<Buffer> {
    if (!holdsMessage(token)) {
      throw notProven('its token holds no message in clear', this.#service);
    }
    try {
      return decoded(await this.#client.unwrap(token.toString('base64')));
    } catch (cause) {
      throw this.#notProven(cause);
    }
  }

  async wrap(message: Buffer): Promise<Buffer> {
    if (
      message.length < CHOICE_OCTETS ||
      message.length > MAX_WRAPPED_OCTETS ||
      message.includes(0, CHOICE_OCTETS)
    ) {
      throw new Error('only the answer of RFC 4752 can be wrapped, with a name of up to 4,091 octets');
    }
    const choice = message.subarray(0, CHOICE_OCTETS).toString('base64');
    const user = message.subarray(CHOICE_OCTETS).toString('utf8');
    return decoded(await this.#client.wrap(choice, { user, protect: false }));
  }

  #notProven(cause: unknown): Error {
    return notProven(textOf(cause), this.#service);
  }
}

function decoded(base64: string): Buffer {
  return Buffer.from(base64, 'base64');
}

/** RFC 4121 §4.2.4, §4.2.6.2: header of 16 octets, message, checksum. */
const HEADER_OCTETS = 16;
const WRAP_TOKEN = 0x0504;
const FLAGS_AT = 2;
const SEALED = 2;
const CHECKSUM_OCTETS_AT = 4;
/** RFC 1964 §1.2.2 with the shortest of all keys, RC4 (RFC 4757 §7.3): what surrounds a message, and its padding of one octet. */
const OLD_SURROUNDING_OCTETS = 46;

/** Whether a token of the server's, not yet verified, has a message in clear of at least one octet (RFC 4752 §3.1: conf_flag FALSE). */
export function holdsMessage(token: Buffer): boolean {
  if (token.length < HEADER_OCTETS || token.readUInt16BE(0) !== WRAP_TOKEN) {
    return token.length > OLD_SURROUNDING_OCTETS;
  }
  const isSealed = (token.readUInt8(FLAGS_AT) & SEALED) !== 0;
  return !isSealed && token.length > HEADER_OCTETS + token.readUInt16BE(CHECKSUM_OCTETS_AT);
}
