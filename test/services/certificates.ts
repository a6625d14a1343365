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
`;

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
