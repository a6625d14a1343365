/**
 * Gathers what there is to know of a server's security from outside, without a login: what it says in the clear, what it says
 * behind TLS, which TLS it speaks. It judges nothing (see judge-security.ts).
 */
import { MailferryError } from '../errors/mailferry-error.ts';
import { type EndpointOptions, openConnection } from '../pop3/open-client.ts';
import { surveyTls, type TlsSurvey } from '../pop3/tls-survey.ts';
import { type OutsideReport, probeServer } from './probe-server.ts';

/** What a server says of itself on one kind of line. */
export type LineFacts = Omit<OutsideReport, 'tls'>;

export interface SecurityFacts {
  /** What the job or URL asks for. */
  readonly security: EndpointOptions['security'];
  /** What is said before TLS; undefined where TLS comes first. */
  readonly clear: LineFacts | undefined;
  /** What is said behind TLS; undefined where TLS is not to be had, or its certificate is not trusted here. */
  readonly secured: LineFacts | undefined;
  /** Undefined where the server says that it has no TLS. */
  readonly tls: TlsSurvey | undefined;
}

/** One handshake is a matter of seconds; four that hang must not take minutes. */
const LONGEST_HANDSHAKE_MS = 10_000;

/** @param seen what a session by `security` has shown already; undefined where there was none, for want of trust */
export async function surveySecurity(
  endpoint: EndpointOptions,
  seen: LineFacts | undefined,
): Promise<SecurityFacts> {
  const { security } = endpoint;
  const clear =
    security === 'tls' ? undefined : security === 'plaintext' ? seen : await look(endpoint, 'plaintext');
  const mayHaveTls = clear?.capabilities === undefined || clear.capabilities.includes('STLS');
  const tls = mayHaveTls
    ? await surveyTls({
        ...endpoint,
        isStls: security !== 'tls',
        timeoutMs: Math.min(endpoint.timeouts.connectMs, LONGEST_HANDSHAKE_MS),
      })
    : undefined;
  const isTrusted = tls?.certificate !== undefined && tls.certificate.trouble === undefined;
  const secured = security !== 'plaintext' ? seen : isTrusted ? await look(endpoint, 'starttls') : undefined;
  return { security, clear, secured, tls };
}

/** A line that cannot be looked at is a fact too: the judgement says what is missing. */
async function look(
  endpoint: EndpointOptions,
  security: EndpointOptions['security'],
): Promise<LineFacts | undefined> {
  try {
    return await probeServer(await openConnection({ ...endpoint, security }), undefined);
  } catch (cause) {
    if (!(cause instanceof MailferryError)) {
      throw cause;
    }
    return undefined;
  }
}
