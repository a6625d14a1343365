/**
 * TLS as RFC 8314 wants it: version 1.2 or later, the name that the user configured, a chain that ends at a trusted
 * authority, or, where the job pins a certificate or key, exactly that one.
 */
import { createHash, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import net from 'node:net';
import type { ConnectionOptions, SecureContextOptions, TLSSocket } from 'node:tls';
import { MailferryError, textOf } from '../errors/mailferry-error.ts';
import { ConnectionError } from './errors.ts';

/** Who we are, for servers that ask for it (RFC 8446 §4.4.2). */
export interface ClientCertificate {
  /** Tells one from another. */
  readonly id: string;
  /** A function, so that the key shows in nothing that is printed. */
  readonly options: () => SecureContextOptions;
}

export interface TlsOptions {
  readonly caPath: string | undefined;
  /** `sha256:` and hex of the leaf certificate, or `spki-sha256:` and Base64 of its public key. Any one suffices. */
  readonly fingerprints: readonly string[];
  readonly serverName: string | undefined;
  readonly clientCertificate?: ClientCertificate | undefined;
}

export interface TlsFacts {
  /** `TLSv1.3` */
  readonly protocol: string;
  readonly cipher: string;
  /** Whether it goes on with the keys of an earlier connection. */
  readonly isResumed: boolean;
  readonly subject: string;
  readonly issuer: string;
  readonly validTo: Date;
  /** `sha256:…` of the leaf certificate, as the job's `fingerprint` takes it. */
  readonly fingerprint: string;
}

interface Endpoint {
  readonly host: string;
  readonly port: number;
  readonly tls: TlsOptions;
}

export async function tlsSocketOptions({ host, tls }: Endpoint): Promise<ConnectionOptions> {
  const name = tls.serverName ?? host;
  return {
    host: name,
    ...(net.isIP(name) === 0 ? { servername: name } : {}),
    minVersion: 'TLSv1.2',
    // A pin names the exact certificate or key: it is a stronger check than the chain, and the only one for self-signed.
    rejectUnauthorized: tls.fingerprints.length === 0,
    ...(tls.caPath === undefined ? {} : { ca: await readAuthority(tls.caPath) }),
    ...tls.clientCertificate?.options(),
  };
}

async function readAuthority(path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (cause) {
    throw new MailferryError(`cannot read the certificate authority ${path}: ${textOf(cause)}`, {
      code: 'tls-ca-unreadable',
      scope: 'account',
      retry: 'never',
      hint: 'check `tls.ca` of the account',
      cause,
    });
  }
}

/** @throws ConnectionError where the job pins certificates and none of the pins is this one. */
export function assertPinned(socket: TLSSocket, { host, port, tls }: Endpoint): void {
  if (tls.fingerprints.length === 0) {
    return;
  }
  const { leaf, key } = fingerprintsOf(socket);
  if (!tls.fingerprints.some((pin) => isPin(pin, leaf, key))) {
    throw new ConnectionError(
      `the certificate of ${host}:${port} is sha256:${leaf} (public key spki-sha256:${key}), which is none of those pinned`,
      {
        failure: 'certificate',
        retry: 'never',
        hint: 'if the server has a new certificate that you trust, change `tls.fingerprint` of the account',
      },
    );
  }
}

function isPin(pin: string, leaf: string, key: string): boolean {
  const [kind, ...rest] = pin.split(':');
  const value = rest.join(':');
  if (kind?.toLowerCase() === 'spki-sha256') {
    return value.replace(/=+$/, '') === key.replace(/=+$/, '');
  }
  return value.replaceAll(':', '').toLowerCase() === leaf;
}

function fingerprintsOf(socket: TLSSocket): { leaf: string; key: string } {
  const { raw } = socket.getPeerCertificate();
  const spki = new X509Certificate(raw).publicKey.export({ type: 'spki', format: 'der' });
  return {
    leaf: createHash('sha256').update(raw).digest('hex'),
    key: createHash('sha256').update(spki).digest('base64'),
  };
}

/** What this connection agreed on, whoever the server is. */
export function agreementOf(socket: TLSSocket): Pick<TlsFacts, 'protocol' | 'cipher' | 'isResumed'> {
  return {
    protocol: socket.getProtocol() ?? 'unknown',
    cipher: socket.getCipher().name,
    isResumed: socket.isSessionReused(),
  };
}

export function tlsFactsOf(socket: TLSSocket): TlsFacts {
  const certificate = new X509Certificate(socket.getPeerCertificate().raw);
  return {
    ...agreementOf(socket),
    subject: certificate.subject.replaceAll('\n', ', '),
    issuer: certificate.issuer.replaceAll('\n', ', '),
    validTo: new Date(certificate.validTo),
    fingerprint: `sha256:${fingerprintsOf(socket).leaf}`,
  };
}
