/**
 * SASL GSSAPI (RFC 4752): a Kerberos ticket in place of a password, and the server proves itself too. Then both agree on what
 * protects the rest of the session; here nothing does, or the TLS that lies below.
 */
import { MailferryError } from '../../errors/mailferry-error.ts';
import { ProtocolError } from '../errors.ts';
import type { GssContext, OpenGssContext } from './gss-context.ts';
import { openKerberosContext } from './kerberos.ts';
import type { SaslExchange, SaslMechanism } from './mechanism.ts';

/** RFC 4752 §3.1: the bit of "no security layer", and as an octet the choice of it. */
const NO_LAYER = 1;
/** The layers on offer, and three octets of size. */
const OFFER_OCTETS = 4;

export function gssapi(open: OpenGssContext = openKerberosContext): SaslMechanism {
  return {
    name: 'GSSAPI',
    secretAt: 0,
    hasAuthorizationId: true,
    hint: 'see by `klist` whose ticket it is, and that the server lets this principal open the maildrop of `user` (or `authorizationId`)',
    start: ({ user, authorizationId = user }, { serverName }) =>
      new GssapiExchange(open(serverName), authorizationId),
  };
}

/** `proving` both sides → `agreeing` on a layer → `said` all. */
type State = 'proving' | 'agreeing' | 'said';

class GssapiExchange implements SaslExchange {
  /** A promise, since the ticket for the service may have to be fetched first. */
  readonly initialResponse: Promise<Buffer>;
  readonly #context: Promise<GssContext>;
  readonly #authorizationId: string;
  #state: State = 'proving';

  constructor(context: Promise<GssContext>, authorizationId: string) {
    this.#context = context;
    this.#authorizationId = authorizationId;
    this.initialResponse = this.#prove(Buffer.alloc(0));
  }

  isComplete(): boolean {
    return this.#state === 'said';
  }

  async respond(challenge: Buffer): Promise<Buffer> {
    if (this.#state === 'said') {
      throw new ProtocolError('the server goes on after the end of SASL GSSAPI');
    }
    // Also a +OK before its time (see authenticate.ts).
    if (challenge.length === 0) {
      throw new ProtocolError('the server leaves out its part of SASL GSSAPI: it has not proved itself');
    }
    return this.#state === 'proving' ? this.#prove(challenge) : this.#agree(challenge);
  }

  async #prove(token: Buffer): Promise<Buffer> {
    const context = await this.#context;
    const answer = await context.step(token);
    if (context.isEstablished) {
      this.#state = 'agreeing';
    }
    return answer;
  }

  /** RFC 4752 §3.1: of the offered layers none is chosen, so the largest size is 0; then whose maildrop is meant, in UTF-8. */
  async #agree(token: Buffer): Promise<Buffer> {
    const context = await this.#context;
    const offer = await context.unwrap(token);
    if (offer.length !== OFFER_OCTETS) {
      throw new ProtocolError(
        `expected ${OFFER_OCTETS} octets about security layers from the server, got ${offer.length}`,
      );
    }
    if ((offer.readUInt8(0) & NO_LAYER) === 0) {
      throw needsLayer();
    }
    const choice = Buffer.from([NO_LAYER, 0, 0, 0]);
    const answer = await context.wrap(Buffer.concat([choice, Buffer.from(this.#authorizationId, 'utf8')]));
    this.#state = 'said';
    return answer;
  }
}

function needsLayer(): MailferryError {
  return new MailferryError('the server wants a security layer of GSSAPI, which mailferry does not have', {
    code: 'login-security-layer',
    scope: 'account',
    retry: 'never',
    hint: 'use `security: tls` or `starttls`, under which servers ask for no other layer; or let its operator allow logins without one',
  });
}
