/**
 * SCRAM (RFC 5802, RFC 7677): both sides prove that they know the password, and neither says it. The -PLUS variants bind the
 * proof to this TLS connection. A server that does not prove itself is not believed, whatever it answers.
 */
import { createHash, createHmac, pbkdf2, randomBytes, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import { MailferryError } from '../../errors/mailferry-error.ts';
import { ProtocolError } from '../errors.ts';
import {
  type Credentials,
  type SaslExchange,
  type SaslLine,
  type SaslMechanism,
  secretsOf,
} from './mechanism.ts';
import type { SaslName } from './names.ts';
import { saslprep } from './saslprep.ts';
import { parseServerFinal, parseServerFirst, type ServerFirst } from './scram-messages.ts';

type ScramName = Extract<SaslName, `SCRAM-${string}`>;

/** By hash, the octets that it gives. */
const HASH_OCTETS = { sha1: 20, sha256: 32, sha512: 64 } as const;
type Hash = keyof typeof HASH_OCTETS;

const derive = promisify(pbkdf2);
const NONCE_OCTETS = 18;

/** @param newNonce printable ASCII without a comma */
export function scram(
  name: ScramName,
  newNonce = () => randomBytes(NONCE_OCTETS).toString('base64'),
): SaslMechanism {
  return {
    name,
    secretAt: 1,
    hasAuthorizationId: true,
    start: (credentials, line) => new ScramExchange(name, credentials, line, newNonce()),
  };
}

/** `first` said → `final` said → `proven`, or `refused` with the server's reason. */
type State = 'first' | 'final' | 'proven' | 'refused';

class ScramExchange implements SaslExchange {
  readonly initialResponse: Buffer;
  readonly #name: ScramName;
  readonly #hash: Hash;
  readonly #nonce: string;
  readonly #password: string;
  readonly #secrets: readonly string[];
  readonly #firstBare: string;
  /** Header and binding data, as the final message repeats them. */
  readonly #binding: Buffer;
  #state: State = 'first';
  #serverSignature: Buffer = Buffer.alloc(0);
  #reason: string | undefined;

  constructor(name: ScramName, credentials: Credentials, line: SaslLine, nonce: string) {
    const { user, password, authorizationId } = credentials;
    this.#secrets = secretsOf(credentials);
    this.#name = name;
    this.#hash = hashOf(name);
    this.#nonce = nonce;
    this.#password = prepared(password, 'the password', name);
    const whose = authorizationId === undefined ? '' : `a=${escapeName(authorizationId)}`;
    const header = `${bindingFlag(name, line)},${whose},`;
    const data = isPlus(name) ? (line.channelBinding?.data ?? Buffer.alloc(0)) : Buffer.alloc(0);
    this.#binding = Buffer.concat([Buffer.from(header, 'utf8'), data]);
    this.#firstBare = `n=${escapeName(prepared(user, 'the user name', name))},r=${nonce}`;
    this.initialResponse = Buffer.from(header + this.#firstBare, 'utf8');
  }

  isComplete(): boolean {
    return this.#state === 'proven';
  }

  explanation(): string | undefined {
    return this.#reason;
  }

  async respond(challenge: Buffer): Promise<Buffer> {
    switch (this.#state) {
      case 'first':
        return this.#sayFinal(challenge.toString('utf8'));
      case 'final':
        return this.#believe(challenge.toString('utf8'));
      case 'proven':
      case 'refused':
        throw new ProtocolError(`the server goes on after the end of SASL ${this.#name}`);
    }
  }

  async #sayFinal(text: string): Promise<Buffer> {
    const first = parseServerFirst(text, this.#nonce);
    const withoutProof = `c=${this.#binding.toString('base64')},r=${first.nonce}`;
    const said = `${this.#firstBare},${text},${withoutProof}`;
    const proof = await this.#prove(first, said);
    this.#state = 'final';
    return Buffer.from(`${withoutProof},p=${proof.toString('base64')}`, 'utf8');
  }

  /** RFC 5802 §3. */
  async #prove({ salt, iterations }: ServerFirst, said: string): Promise<Buffer> {
    const password = Buffer.from(this.#password, 'utf8');
    const salted = await derive(password, salt, iterations, HASH_OCTETS[this.#hash], this.#hash);
    const clientKey = this.#hmac(salted, 'Client Key');
    const storedKey = createHash(this.#hash).update(clientKey).digest();
    const clientSignature = this.#hmac(storedKey, said);
    this.#serverSignature = this.#hmac(this.#hmac(salted, 'Server Key'), said);
    return Buffer.from(clientKey.map((octet, index) => octet ^ (clientSignature[index] ?? 0)));
  }

  #hmac(key: Buffer, text: string): Buffer {
    return createHmac(this.#hash, key).update(text, 'utf8').digest();
  }

  #believe(text: string): Buffer {
    const final = parseServerFinal(text, this.#secrets);
    if (final.kind === 'refused') {
      this.#state = 'refused';
      this.#reason = final.reason;
      return Buffer.alloc(0);
    }
    const { signature } = final;
    const expected = this.#serverSignature;
    if (signature.length !== expected.length || !timingSafeEqual(signature, expected)) {
      throw new MailferryError(
        `the server does not know the password: its own proof in ${this.#name} is wrong`,
        {
          code: 'login-server-not-proven',
          scope: 'account',
          retry: 'never',
          hint: 'somebody may be standing in for the server: check `host` and its certificate',
        },
      );
    }
    this.#state = 'proven';
    return Buffer.alloc(0);
  }
}

function isPlus(name: ScramName): boolean {
  return name.endsWith('-PLUS');
}

function hashOf(name: ScramName): Hash {
  if (name.startsWith('SCRAM-SHA-512')) {
    return 'sha512';
  }
  return name.startsWith('SCRAM-SHA-256') ? 'sha256' : 'sha1';
}

/**
 * RFC 5802 §6. `y` says that we could bind and saw no -PLUS: a server that has it knows then that somebody took it away. Where
 * the server does announce it, it is not used by the job's own choice or since it did not work: `n`.
 */
function bindingFlag(name: ScramName, { channelBinding, offered }: SaslLine): string {
  if (!isPlus(name)) {
    return channelBinding === undefined || offered.includes(`${name}-PLUS`) ? 'n' : 'y';
  }
  if (channelBinding === undefined) {
    throw notPossible(`${name} needs TLS, to which it binds the proof`, 'use `security: tls` or `starttls`');
  }
  return `p=${channelBinding.type}`;
}

function prepared(text: string, what: string, name: ScramName): string {
  const prepared = saslprep(text);
  if (prepared === undefined || prepared === '') {
    throw notPossible(
      `${what} holds characters that ${name} prohibits (RFC 4013)`,
      'use `auth: plain`, or another password',
    );
  }
  return prepared;
}

/** RFC 5802 §5.1: comma and equals sign in a name. */
function escapeName(name: string): string {
  return name.replaceAll('=', '=3D').replaceAll(',', '=2C');
}

function notPossible(text: string, hint: string): MailferryError {
  return new MailferryError(text, { code: 'login-not-possible', scope: 'account', retry: 'never', hint });
}
