/**
 * Which TLS a server would speak, asked by handshakes of their own: a connection for each version, each with a deadline. Nothing
 * secret is sent on them, so a certificate is looked at and told about, not required. Never to be used for a session.
 */
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import type net from 'node:net';
import tls, { type ConnectionOptions, type TLSSocket } from 'node:tls';
import { certificateTrouble } from './certificate-trouble.ts';
import { type ConnectOptions, connectSocket } from './connect.ts';
import { assertPinned, tlsSocketOptions } from './tls.ts';

export const TLS_VERSIONS = ['TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3'] as const;
export type TlsVersion = (typeof TLS_VERSIONS)[number];

/** `unknown`: the server was not reached, was silent, or this Node cannot ask. */
export type VersionAnswer = 'accepted' | 'refused' | 'unknown';

export interface CertificateFacts {
  readonly subject: string;
  readonly issuer: string;
  /** Host names and addresses that it is for. */
  readonly names: readonly string[];
  readonly validFrom: Date;
  readonly validTo: Date;
  /** `rsa`, `ec`, `ed25519`; bits are those of the modulus or of the curve. */
  readonly key: { readonly type: string; readonly bits: number | undefined };
  /** `sha256:…`, as the job's `tls.fingerprint` takes it. */
  readonly fingerprint: string;
  /** Why this machine does not trust it, to be read behind "the certificate"; undefined where it does. */
  readonly trouble: string | undefined;
}

export interface TlsSurvey {
  readonly versions: Readonly<Record<TlsVersion, VersionAnswer>>;
  /** Of the newest version that was accepted. */
  readonly certificate: CertificateFacts | undefined;
}

export interface SurveyedEndpoint extends Omit<ConnectOptions, 'connectTimeoutMs'> {
  /** Whether the handshake comes after STLS (RFC 2595 §4) or before the first octet. */
  readonly isStls: boolean;
  /** Longest time for one handshake, connecting included. */
  readonly timeoutMs: number;
}

interface Handshake {
  readonly answer: VersionAnswer;
  readonly certificate: CertificateFacts | undefined;
}

/** Longest line that is read in the clear before STLS. */
const MAX_LINE_OCTETS = 4096;

/** One after the other: a server may count connections. @throws MailferryError `tls-ca-unreadable` */
export async function surveyTls(endpoint: SurveyedEndpoint): Promise<TlsSurvey> {
  const secureOptions = await tlsSocketOptions(endpoint);
  const versions: Record<TlsVersion, VersionAnswer> = {
    TLSv1: 'unknown',
    'TLSv1.1': 'unknown',
    'TLSv1.2': 'unknown',
    'TLSv1.3': 'unknown',
  };
  let newest: CertificateFacts | undefined;
  for (const version of TLS_VERSIONS) {
    const { answer, certificate } = await shakeHands(endpoint, version, secureOptions);
    versions[version] = answer;
    newest = certificate ?? newest;
  }
  return { versions, certificate: newest };
}

async function shakeHands(
  endpoint: SurveyedEndpoint,
  version: TlsVersion,
  secureOptions: ConnectionOptions,
): Promise<Handshake> {
  const { timeoutMs } = endpoint;
  const signal = AbortSignal.any([endpoint.signal, AbortSignal.timeout(timeoutMs)]);
  let plain: net.Socket | undefined;
  let secure: TLSSocket | undefined;
  try {
    // What goes wrong later is told by the wait that it ends; between two waits it is nobody's news.
    plain = await connectSocket({ ...endpoint, connectTimeoutMs: timeoutMs, signal });
    if (endpoint.isStls) {
      await beginTls(plain, signal);
    }
    secure = tls.connect({ ...secureOptions, ...onlyVersion(version), socket: plain });
    await once(secure, 'secureConnect', { signal });
    return { answer: 'accepted', certificate: certificateFactsOf(secure, endpoint) };
  } catch (cause) {
    const isAnswered = secure !== undefined && !signal.aborted && !isOurs(cause);
    return { answer: isAnswered ? 'refused' : 'unknown', certificate: undefined };
  } finally {
    secure?.on('error', () => undefined).destroy();
    plain?.destroy();
  }
}

/** The versions before 1.2 need what OpenSSL otherwise refuses to speak; nothing but a handshake is ever spoken by it here. */
function onlyVersion(version: TlsVersion): ConnectionOptions {
  const isOld = version === 'TLSv1' || version === 'TLSv1.1';
  return {
    minVersion: version,
    maxVersion: version,
    rejectUnauthorized: false,
    ...(isOld ? { ciphers: 'DEFAULT:@SECLEVEL=0' } : {}),
  };
}

/** A build of OpenSSL without a version fails before anything is sent: that says nothing of the server. */
function isOurs(cause: unknown): boolean {
  return cause instanceof Error && 'code' in cause && cause.code === 'ERR_SSL_NO_PROTOCOLS_AVAILABLE';
}

async function beginTls(socket: net.Socket, signal: AbortSignal): Promise<void> {
  await expectOk(socket, signal);
  socket.write('STLS\r\n');
  await expectOk(socket, signal);
}

/** @throws Error where the server says anything but one line that begins with +OK. */
async function expectOk(socket: net.Socket, signal: AbortSignal): Promise<void> {
  let line = '';
  while (!line.endsWith('\n')) {
    await once(socket, 'readable', { signal });
    const chunk: unknown = socket.read();
    if (!Buffer.isBuffer(chunk) || line.length + chunk.length > MAX_LINE_OCTETS) {
      throw new Error('no line came');
    }
    line += chunk.toString('latin1');
  }
  if (!/^\+OK[^\n]*\n$/i.test(line)) {
    throw new Error('the answer is not +OK');
  }
}

function certificateFactsOf(socket: TLSSocket, endpoint: SurveyedEndpoint): CertificateFacts {
  const certificate = new X509Certificate(socket.getPeerCertificate().raw);
  const { publicKey, subjectAltName = '' } = certificate;
  const { modulusLength, namedCurve } = publicKey.asymmetricKeyDetails ?? {};
  return {
    subject: certificate.subject.replaceAll('\n', ', '),
    issuer: certificate.issuer.replaceAll('\n', ', '),
    names: subjectAltName.split(', ').flatMap((name) => /^(?:DNS|IP Address):(.+)$/.exec(name)?.[1] ?? []),
    validFrom: new Date(certificate.validFrom),
    validTo: new Date(certificate.validTo),
    key: {
      type: publicKey.asymmetricKeyType ?? 'unknown',
      bits: modulusLength ?? curveBits(namedCurve),
    },
    fingerprint: `sha256:${certificate.fingerprint256.replaceAll(':', '').toLowerCase()}`,
    trouble: troubleOf(socket, endpoint),
  };
}

/** `prime256v1`, `secp384r1`: the number in a curve's name is its size. */
function curveBits(namedCurve: string | undefined): number | undefined {
  const bits = /\d{3}/.exec(namedCurve ?? '')?.[0];
  return bits === undefined ? undefined : Number(bits);
}

function troubleOf(socket: TLSSocket, endpoint: SurveyedEndpoint): string | undefined {
  if (endpoint.tls.fingerprints.length > 0) {
    try {
      assertPinned(socket, endpoint);
      return undefined;
    } catch {
      return 'is none of those pinned';
    }
  }
  // Typed as an Error; Node gives the code as a string.
  return socket.authorized ? undefined : certificateTrouble(String(socket.authorizationError));
}
