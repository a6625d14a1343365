/**
 * POP URLs as RFC 2384 has them, as far as a probe needs one: `pop://host:port` and, for TLS from the start, `pops://`.
 */
import { MailferryError } from '../errors/mailferry-error.ts';
import type { Security } from '../job/job.ts';

export interface PopUrl {
  readonly host: string;
  readonly port: number;
  readonly security: Security;
}

/** @param security wins over what the scheme says. @throws MailferryError */
export function parsePopUrl(text: string, security?: Security): PopUrl {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isPlain = url?.protocol === 'pop:';
  if (url === undefined || url.hostname === '' || (!isPlain && url.protocol !== 'pops:')) {
    throw usage(`${text} is no POP URL: expected pops://host, pops://host:port or pop://host:port`);
  }
  if (url.password !== '') {
    throw usage('a POP URL holds no password (RFC 2384 §3)');
  }
  // A probe without a login sends nothing secret, so a clear line is looked at as it is; STARTTLS is asked for by name.
  const chosen = security ?? (isPlain ? 'plaintext' : 'tls');
  const port = url.port === '' ? (isPlain ? 110 : 995) : Number(url.port);
  return { host: url.hostname.replace(/^\[(.*)\]$/, '$1'), port, security: chosen };
}

function usage(text: string): MailferryError {
  return new MailferryError(text, {
    code: 'usage-url',
    scope: 'run',
    retry: 'never',
    hint: 'for example: mailferry probe pops://pop.example.net',
  });
}
