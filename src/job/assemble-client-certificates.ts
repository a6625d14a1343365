/**
 * The client certificates of accounts, read and tried before anything is connected: a key that does not fit, or a wrong
 * passphrase, is told at once.
 */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createSecureContext, type SecureContextOptions } from 'node:tls';
import { MailferryError, systemCodeOf, textOf } from '../errors/mailferry-error.ts';
import type { ClientCertificate } from '../pop3/tls.ts';
import type { AccountDefinition, ClientCertificateSource } from './job.ts';
import { quoted } from './problems.ts';
import type { ResolveOptions } from './raw-secret.ts';
import { reasonOf } from './read-text.ts';
import { warnOfReaders } from './secret-file.ts';
import { resolveOrWarn } from './secrets.ts';

export type ClientCertificateOf = (account: Pick<AccountDefinition, 'tls'>) => ClientCertificate | undefined;

/** Told what is unwise about where a key or passphrase lies. */
type WarnedOptions = ResolveOptions & { readonly warn: (text: string) => void };

/** @throws MailferryError scope run: `secret-…` for a file or passphrase that cannot be had or does not fit. */
export async function assembleClientCertificates(
  accounts: readonly Pick<AccountDefinition, 'tls'>[],
  options: WarnedOptions,
): Promise<ClientCertificateOf> {
  // Accounts may share one by its text: each file is read and each passphrase asked for once.
  const certificates = new Map<string, ClientCertificate>();
  for (const { tls } of accounts) {
    const source = tls.clientCertificate;
    if (source !== undefined && !certificates.has(JSON.stringify(source))) {
      certificates.set(JSON.stringify(source), await load(source, options));
    }
  }
  return ({ tls }) => certificates.get(JSON.stringify(tls.clientCertificate));
}

async function load(source: ClientCertificateSource, options: WarnedOptions): Promise<ClientCertificate> {
  const secret =
    source.passphrase === undefined ? undefined : await resolveOrWarn(source.passphrase, options);
  const passphrase = secret === undefined ? {} : { passphrase: secret.reveal() };
  const files = await readFiles(source);
  await warnOfReaders(source.kind === 'pfx' ? source.path : source.keyPath, options.warn);
  const context: SecureContextOptions = { ...files, ...passphrase };
  try {
    createSecureContext(context);
  } catch (cause) {
    throw unusable(
      `the client certificate ${quoted(pathOf(source))} cannot be used: ${textOf(cause)}`,
      'see that certificate and key belong together, and that `tls.passphrase` is right',
    );
  }
  const hash = createHash('sha256');
  for (const octets of Object.values(files)) {
    hash.update(octets);
  }
  return { id: hash.digest('hex'), options: () => context };
}

async function readFiles(source: ClientCertificateSource): Promise<Readonly<Record<string, Buffer>>> {
  return source.kind === 'pfx'
    ? { pfx: await readOrSay(source.path) }
    : { cert: await readOrSay(source.certPath), key: await readOrSay(source.keyPath) };
}

async function readOrSay(path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (thrown) {
    if (systemCodeOf(thrown) === undefined) {
      throw thrown;
    }
    throw unusable(`the file ${quoted(path)} ${reasonOf(thrown)}`, 'check `tls.cert`, `tls.key`, `tls.pfx`');
  }
}

function pathOf(source: ClientCertificateSource): string {
  return source.kind === 'pfx' ? source.path : source.certPath;
}

function unusable(text: string, hint: string): MailferryError {
  return new MailferryError(text, { code: 'secret-client-certificate', scope: 'run', retry: 'never', hint });
}
