/**
 * What a server has really sent whole, read the slow and plain way from all its octets: the oracle for what may be stored.
 * It shares nothing with the parser that it judges (RFC 1939 §3).
 */
import { createHash } from 'node:crypto';

const digestOf = (text: string): string => createHash('sha256').update(text, 'latin1').digest('hex');

/**
 * SHA-256 of everything in a session that stood between a line `+OK…` and the terminator behind it. Which of these lines
 * answered a RETR is not asked: a stored message that is none of them was never sent whole.
 */
export function completeBodies(sent: Buffer): ReadonlySet<string> {
  const text = sent.toString('latin1');
  const bodies = new Set<string>();
  // Behind the last lone dot nothing is whole: a flood of beginnings must not be read to its end from each of them.
  const last = Math.max(text.lastIndexOf('\n.\r\n'), text.lastIndexOf('\n.\n'));
  for (let start = 0; start < text.length; ) {
    const lf = text.indexOf('\n', start);
    if (lf === -1 || lf > last) {
      break;
    }
    const line = text.slice(start, lf);
    if (/^\+ok/i.test(line)) {
      const body = readBody(text, lf + 1, line.endsWith('\r') ? '\r\n' : '\n');
      if (body !== undefined) {
        bodies.add(digestOf(body));
      }
    }
    start = lf + 1;
  }
  return bodies;
}

/** The lines up to a lone dot, each without its stuffed dot; undefined where the dot never comes. */
function readBody(text: string, from: number, lineEnd: string): string | undefined {
  let body = '';
  for (let start = from; ; ) {
    const end = text.indexOf(lineEnd, start);
    if (end === -1) {
      return undefined;
    }
    const line = text.slice(start, end);
    // A server of bare line feeds may end a body in the way of the protocol all the same.
    if (line === '.' || (lineEnd === '\n' && line === '.\r')) {
      return body;
    }
    body += (line.startsWith('..') ? line.slice(1) : line) + lineEnd;
    start = end + lineEnd.length;
  }
}
