/**
 * A throw-away certificate authority and a server certificate from it, made by the openssl program, so that the tests
 * of TLS share no certificate code with the product. Must not know which server will use them.
 */
import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Paths of PEM files. The certificate is good for localhost, 127.0.0.1 and ::1, and for 30 days. */
export interface Certificates {
  readonly caPath: string;
  readonly certificatePath: string;
  readonly keyPath: string;
}

const CONFIG = `
[req]
distinguished_name = name
prompt = no
[name]
[authority]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[server]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth
subjectAltName = DNS:localhost, IP:127.0.0.1, IP:::1
[client]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = clientAuth
`;

/** Paths of a client certificate in every form that a client may have it in. */
export interface ClientCertificates {
  /** PEM file of its authority, for the server. */
  readonly caPath: string;
  readonly certificatePath: string;
  readonly keyPath: string;
  /** The same key under a passphrase. */
  readonly lockedKeyPath: string;
  /** Certificate and key under the same passphrase. */
  readonly pfxPath: string;
}

/** Writes a CA and a client certificate for a user into an existing folder. */
export async function makeClientCertificate(
  folder: string,
  user: string,
  passphrase: string,
): Promise<ClientCertificates> {
  const path = (name: string) => join(folder, name);
  const configPath = path('openssl-client.cnf');
  await writeFile(configPath, CONFIG);
  const request = ['req', '-x509', '-config', configPath, '-days', '30', '-nodes', '-newkey', 'ec'];
  const curve = ['-pkeyopt', 'ec_paramgen_curve:prime256v1'];
  const [caKey, caPath] = [path('client-ca.key'), path('client-ca.pem')];
  await run('openssl', [
    ...[...request, ...curve, '-extensions', 'authority', '-subj', '/CN=mailferry test client CA'],
    ...['-keyout', caKey, '-out', caPath],
  ]);
  const [keyPath, certificatePath] = [path(`${user}.key`), path(`${user}.pem`)];
  await run('openssl', [
    ...[
      ...request,
      ...curve,
      '-extensions',
      'client',
      '-subj',
      `/CN=${user}`,
      '-CA',
      caPath,
      '-CAkey',
      caKey,
    ],
    ...['-keyout', keyPath, '-out', certificatePath],
  ]);
  const [lockedKeyPath, pfxPath] = [path(`${user}-locked.key`), path(`${user}.p12`)];
  const secret = `pass:${passphrase}`;
  await run('openssl', ['pkcs8', '-topk8', '-in', keyPath, '-out', lockedKeyPath, '-passout', secret]);
  await run('openssl', [
    ...['pkcs12', '-export', '-in', certificatePath, '-inkey', keyPath, '-out', pfxPath, '-passout', secret],
  ]);
  return { caPath, certificatePath, keyPath, lockedKeyPath, pfxPath };
}

/** Writes a CA and a server certificate into an existing folder. Throws what openssl said when it fails. */
export async function makeCertificates(folder: string): Promise<Certificates> {
  const path = (name: string) => join(folder, name);
  const configPath = path('openssl.cnf');
  await writeFile(configPath, CONFIG);
  const common = ['req', '-x509', '-config', configPath, '-days', '30', '-nodes', '-newkey', 'ec'];
  const request = [...common, '-pkeyopt', 'ec_paramgen_curve:prime256v1'];
  const authority = { caPath: path('ca.pem'), keyPath: path('ca.key') };
  const server = { certificatePath: path('server.pem'), keyPath: path('server.key') };
  await run('openssl', [
    ...request,
    ...['-extensions', 'authority', '-subj', '/CN=mailferry test CA'],
    ...['-keyout', authority.keyPath, '-out', authority.caPath],
  ]);
  await run('openssl', [
    ...request,
    ...['-extensions', 'server', '-subj', '/CN=localhost'],
    ...['-CA', authority.caPath, '-CAkey', authority.keyPath],
    ...['-keyout', server.keyPath, '-out', server.certificatePath],
  ]);
  return { caPath: authority.caPath, ...server };
}
