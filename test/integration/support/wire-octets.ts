/**
 * What a POP3 server really sends, read by a separate Python program over raw sockets: the yardstick for archives.
 * Must share no code with the product, or both could make the same mistake.
 */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const SCRIPT = fileURLToPath(new URL('./wire_octets.py', import.meta.url));
const LARGEST_OUTPUT_OCTETS = 1 << 28;

/** One message as it came over the wire, dots un-stuffed, the terminating lone dot not counted. */
export interface WireMessage {
  readonly number: number;
  readonly uniqueId: string;
  /** What LIST said, which need not be what came. */
  readonly listedOctets: number;
  readonly octets: number;
  /** Lower-case hex. */
  readonly sha256: string;
  /** The form that Maildir and mbox keep: CRLF as LF where every LF has its CR, else unchanged. */
  readonly storedOctets: number;
  readonly storedSha256: string;
}

export interface WireSource {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  /** TLS from the first octet, or by STLS; the certificate must be good for localhost. Default: clear text. */
  readonly tls?: { readonly mode: 'tls' | 'stls'; readonly caPath: string };
  /** Header fields that are left out of the stored form: the server writes such into its mail. */
  readonly without?: readonly string[];
}

/** All messages in the order of the listing; nothing is deleted. Throws what the reader said when it fails. */
export async function readWireOctets(source: WireSource): Promise<WireMessage[]> {
  const tls = source.tls === undefined ? [] : [`--${source.tls.mode}`, source.tls.caPath];
  const without = source.without === undefined ? [] : ['--without', source.without.join(',')];
  const args = [SCRIPT, source.host, String(source.port), source.user, source.password, ...tls, ...without];
  const { stdout } = await run('python3', args, { maxBuffer: LARGEST_OUTPUT_OCTETS });
  const lines = stdout.split('\n').filter((line) => line !== '');
  // The script beside this file prints exactly this shape.
  return lines.map((line) => JSON.parse(line) as WireMessage);
}
