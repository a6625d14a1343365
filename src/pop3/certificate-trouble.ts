/** Why a certificate is not trusted, in words, and what whoever runs the job can do about it. */
import { TLSSocket } from 'node:tls';
import { ConnectionError } from './errors.ts';
import { quote } from './status.ts';

interface Trouble {
  /** To be read behind "the certificate". */
  readonly says: string;
  readonly hint: string;
}

const PIN = 'pin it as `tls.fingerprint` (`mailferry probe` shows that)';
const SELF_SIGNED: Trouble = {
  says: 'is self-signed',
  hint: `if it is the server's own, ${PIN}, or name it as \`tls.ca\``,
};
const UNKNOWN_ISSUER: Trouble = {
  says: 'has an issuer that is not known here',
  hint: `name its authority as \`tls.ca\`, or ${PIN}; a server may also fail to send the certificates in between`,
};

/** By Node's code, which is OpenSSL's. */
const TROUBLES: Readonly<Record<string, Trouble>> = {
  CERT_HAS_EXPIRED: {
    says: 'has expired',
    hint: `the server's operator has to renew it; to go on until then, ${PIN}`,
  },
  CERT_NOT_YET_VALID: {
    says: 'is not valid yet',
    hint: 'see that the clock of this machine is right; if it is, the server shows its certificate too early',
  },
  DEPTH_ZERO_SELF_SIGNED_CERT: SELF_SIGNED,
  SELF_SIGNED_CERT_IN_CHAIN: {
    says: 'ends at an authority that this machine does not trust',
    hint: UNKNOWN_ISSUER.hint,
  },
  UNABLE_TO_GET_ISSUER_CERT: UNKNOWN_ISSUER,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: UNKNOWN_ISSUER,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: UNKNOWN_ISSUER,
  ERR_TLS_CERT_ALTNAME_INVALID: {
    says: 'is for another name',
    hint: 'name the server as its certificate does: as `host`, or as `tls.serverName`',
  },
  INVALID_PURPOSE: {
    says: 'is not for servers',
    hint: `the server's operator has to get another one; to go on until then, ${PIN}`,
  },
};

function troubleOf(code: string): Trouble {
  const other = { says: `is not trusted (${code})`, hint: `if it is the server's own, ${PIN}` };
  return TROUBLES[code] ?? other;
}

/** Whether Node's code says that a certificate is not trusted. */
export function isCertificateTrouble(code: string | undefined): boolean {
  return code !== undefined && Object.hasOwn(TROUBLES, code);
}

/** Why a certificate is not trusted, by Node's code; to be read behind "the certificate". */
export function certificateTrouble(code: string): string {
  return troubleOf(code).says;
}

export interface JudgedEndpoint {
  readonly host: string;
  readonly port: number;
  readonly tls: { readonly serverName: string | undefined };
}

/** A failed check in words, or undefined where the failure is of another kind: then the certificate was not judged, or was good. */
export function certificateError(
  cause: Error,
  socket: unknown,
  { host, port, tls }: JudgedEndpoint,
): ConnectionError | undefined {
  if (!(socket instanceof TLSSocket) || !socket.authorizationError) {
    return undefined;
  }
  const { says, hint } = troubleOf('code' in cause ? String(cause.code) : cause.message);
  return new ConnectionError(
    `the certificate of ${tls.serverName ?? host} (port ${port}) ${says}${namesIn(cause)}: ${cause.message}`,
    { failure: 'certificate', retry: 'never', hint: `${hint}; no password was sent`, cause },
  );
}

/** What a certificate for another name is for. Node's own text leaves names out where the server was named by its address. */
function namesIn(cause: Error): string {
  const certificate: unknown = 'cert' in cause ? cause.cert : undefined;
  const has = typeof certificate === 'object' && certificate !== null && 'subjectaltname' in certificate;
  return has ? ` (${quote(String(certificate.subjectaltname)).slice(1, -1)})` : '';
}
