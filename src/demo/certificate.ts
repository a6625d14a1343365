/**
 * A certificate made on the fly: an authority of one server's life, and a leaf for localhost and 127.0.0.1 signed by it.
 * It must not know what is served. Nothing of it is written to disk; the private key never leaves the process.
 */
import { generate } from 'selfsigned';

export interface Certificate {
  /** The authority, PEM: what a client is told to trust (`tls: { ca: … }`, `ca` of node:tls). */
  readonly authorityPem: string;
  /** The leaf that the server shows, PEM: what a fingerprint is taken of. */
  readonly certificatePem: string;
  readonly privateKeyPem: string;
}

const DAY_MS = 24 * 60 * 60 * 1000;

/** Makes an authority and a leaf (P-256). The leaf names `hosts`, each a DNS name or an IPv4 address. */
export async function makeCertificate(
  hosts: readonly string[] = ['localhost', '127.0.0.1'],
): Promise<Certificate> {
  const common = { keyType: 'ec', algorithm: 'sha256', ...validity() } as const;
  const authority = await generate([{ name: 'commonName', value: 'mailferry demo authority' }], {
    ...common,
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'keyUsage', keyCertSign: true, cRLSign: true, critical: true },
    ],
  });
  const leaf = await generate([{ name: 'commonName', value: 'mailferry demo server' }], {
    ...common,
    ca: { key: authority.private, cert: authority.cert },
    extensions: [
      { name: 'basicConstraints', cA: false },
      { name: 'keyUsage', digitalSignature: true, critical: true },
      { name: 'extKeyUsage', serverAuth: true },
      { name: 'subjectAltName', altNames: hosts.map(altName) },
    ],
  });
  return { authorityPem: authority.cert, certificatePem: leaf.cert, privateKeyPem: leaf.private };
}

/** A day before now, so that a client whose clock is a little behind believes it too. */
function validity(): { notBeforeDate: Date; notAfterDate: Date } {
  const now = Date.now();
  return { notBeforeDate: new Date(now - DAY_MS), notAfterDate: new Date(now + 30 * DAY_MS) };
}

function altName(host: string): { type: 2; value: string } | { type: 7; ip: string } {
  return /^\d+(\.\d+){3}$/.test(host) ? { type: 7, ip: host } : { type: 2, value: host };
}
