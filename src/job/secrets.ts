/**
 * Turns the name of a secret into the secret: an environment variable, a file, a command, a systemd
 * credential, a netrc file, or the text in the job itself.
 * Errors and warnings name the source, never the value. Must not know what the secret opens.
 */
import { join } from 'node:path';
import { systemCodeOf } from '../errors/mailferry-error.ts';
import type { SecretSource } from './job.ts';
import { findInNetrc } from './netrc.ts';
import { quoted } from './problems.ts';
import { MAX_SECRET_OCTETS, missing, type RawSecret, type ResolveOptions, unusable } from './raw-secret.ts';
import { Secret } from './secret.ts';
import { runSecretCommand } from './secret-command.ts';
import { readSecretFile } from './secret-file.ts';

/** A netrc file is searched anew for each account; whoever has thousands of them has better sources. */
const MAX_NETRC_OCTETS = 1024 * 1024;

export interface ResolvedSecret {
  readonly secret: Secret;
  /** What is unwise about its source, each a sentence without the value: a file that others can read. */
  readonly warnings: readonly string[];
}

/**
 * Fetches a secret. Text from a file or a command loses exactly one line end (LF or CRLF) at its end, and a byte order mark.
 * @throws MailferryError scope `account`, retry `never`: `secret-missing` where the source gives nothing (no such variable
 * or file, a command that fails or takes too long), `secret-unusable` where what it gives is empty, too long, not UTF-8, or
 * holds CR, LF or NUL. Throws the signal's reason once it is aborted.
 */
export async function resolveSecret(source: SecretSource, options: ResolveOptions): Promise<ResolvedSecret> {
  options.signal.throwIfAborted();
  switch (source.kind) {
    case 'plain':
      return { secret: checked(source.value, 'the password in the job definition'), warnings: [] };
    case 'env':
      return { secret: fromEnvironment(source.name, options.env ?? process.env), warnings: [] };
    case 'file':
      return fromOctets(await readSecretFile(source.path, options));
    case 'credential':
      return fromOctets(await readCredential(source.name, options));
    case 'netrc':
      return fromNetrc(source, await readSecretFile(source.path, options, MAX_NETRC_OCTETS));
    case 'none':
      return { secret: new Secret(''), warnings: [] };
    case 'command':
      return fromOctets(await runSecretCommand(source.argv, options));
  }
}

/** The same, told to `warn` what is unwise about its source. */
export async function resolveOrWarn(
  source: SecretSource,
  options: ResolveOptions & { readonly warn: (text: string) => void },
): Promise<Secret> {
  const { secret, warnings } = await resolveSecret(source, options);
  for (const text of warnings) {
    options.warn(text);
  }
  return secret;
}

function fromEnvironment(name: string, env: Readonly<Record<string, string | undefined>>): Secret {
  const from = `the environment variable ${quoted(name)}`;
  const value = env[name];
  if (value === undefined) {
    throw missing(
      `${from} is not set`,
      'Set the variable for the user that runs this job, or name another source.',
    );
  }
  return checked(value, from);
}

/** systemd gives a service its credentials as files in a folder that only it may read (systemd.exec(5)). */
function readCredential(name: string, options: ResolveOptions): Promise<RawSecret> {
  const folder = (options.env ?? process.env)['CREDENTIALS_DIRECTORY'];
  if (folder === undefined || folder === '') {
    throw missing(
      `the systemd credential ${quoted(name)} cannot be had: $CREDENTIALS_DIRECTORY is not set`,
      `Run the job as a service whose unit says LoadCredential=${name}:PATH.`,
    );
  }
  return readSecretFile(join(folder, name), options);
}

function fromNetrc({ path, host, user }: SecretSource & { kind: 'netrc' }, raw: RawSecret): ResolvedSecret {
  const password = findInNetrc(decoded(raw), { host, user });
  const from = `the netrc file ${quoted(path)}`;
  if (password === undefined) {
    throw missing(
      `${from} has no password for ${quoted(user)} on ${quoted(host)}`,
      `It needs a line: machine ${host} login ${user} password …`,
    );
  }
  return { secret: checked(password, from), warnings: raw.warnings };
}

function fromOctets(raw: RawSecret): ResolvedSecret {
  if (raw.octets.length > MAX_SECRET_OCTETS) {
    throw unusable(
      `${raw.from} holds more than ${MAX_SECRET_OCTETS} octets`,
      'It must hold the secret and nothing else.',
    );
  }
  return { secret: checked(withoutLineEnd(decoded(raw)), raw.from), warnings: raw.warnings };
}

function decoded(raw: RawSecret): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(raw.octets);
  } catch (thrown) {
    if (systemCodeOf(thrown) !== 'ERR_ENCODING_INVALID_ENCODED_DATA') {
      throw thrown;
    }
    throw unusable(`${raw.from} gives something that is not UTF-8`, 'Store the secret as UTF-8 text.');
  }
}

function withoutLineEnd(text: string): string {
  return text.replace(/\r?\n$/, '');
}

/** CR and LF would end the command that carries the secret and begin another; NUL separates the fields of SASL PLAIN. */
function checked(value: string, from: string): Secret {
  if (value === '') {
    throw unusable(`${from} is empty`, 'Put the secret there, or name another source.');
  }
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for.
  if (/[\r\n\u0000]/.test(value)) {
    throw unusable(
      `${from} holds a line end or a NUL inside the secret; POP3 cannot carry these`,
      'It must hold the secret alone, on one line; one line end after it is allowed in files and commands.',
    );
  }
  return new Secret(value);
}
