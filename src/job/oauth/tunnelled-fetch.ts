/**
 * `fetch` for a token endpoint behind a proxy: over a connection that is made as those to mail servers are, by Node's own HTTP client,
 * since Node's fetch takes no connection that is made already. One request a connection, no redirection, a bounded answer.
 */
import type { IncomingMessage } from 'node:http';
import { request } from 'node:https';
import type net from 'node:net';
import { connect } from 'node:tls';
import { type ConnectOptions, connectSocket, settle } from '../../pop3/connect.ts';
import type { ProxyOptions } from '../../pop3/proxy.ts';
import { tlsSocketOptions } from '../../pop3/tls.ts';

/** What is asked of it: the form of a token request. */
export interface TunnelledRequest {
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: unknown;
  readonly signal?: AbortSignal | undefined;
}

/** An answer of the provider has some kilobytes. */
const MAX_ANSWER_OCTETS = 1024 * 1024;

/** Of an https address: no other goes through a proxy. The certificate is judged before anything is said. */
export function tunnelledFetch(proxy: ProxyOptions, timeoutMs: number) {
  return async (address: string, { method, headers, body, signal }: TunnelledRequest): Promise<Response> => {
    const { hostname, host, port, pathname, search } = new URL(address);
    const options: ConnectOptions = {
      ...{ host: hostname.replace(/^\[|\]$/g, ''), port: port === '' ? 443 : Number(port), proxy },
      tls: { caPath: undefined, fingerprints: [], serverName: undefined },
      connectTimeoutMs: timeoutMs,
      signal: signal ?? new AbortController().signal,
    };
    const plain = await connectSocket(options);
    const secure = connect({ ...(await tlsSocketOptions(options)), socket: plain });
    try {
      await settle(secure, 'secureConnect', options, `TLS handshake with ${host}`);
      return await exchange(secure, { method, path: pathname + search, headers: { ...headers, host } }, body);
    } finally {
      secure.destroy();
      plain.destroy();
    }
  };
}

function exchange(
  socket: net.Socket,
  line: { readonly method: string; readonly path: string; readonly headers: Record<string, string> },
  body: unknown,
): Promise<Response> {
  const text = String(body ?? '');
  const headers = { ...line.headers, 'content-length': String(Buffer.byteLength(text)), connection: 'close' };
  return new Promise((resolve, reject) => {
    socket.once('error', reject).once('close', () => reject(new Error('the connection was closed')));
    request({ ...line, headers, createConnection: () => socket })
      .once('error', reject)
      .once('response', (answer) => {
        readAnswer(answer).then(resolve, reject);
      })
      .end(text);
  });
}

async function readAnswer(answer: IncomingMessage): Promise<Response> {
  const chunks: Buffer[] = [];
  let octets = 0;
  for await (const chunk of answer) {
    chunks.push(chunk);
    octets += chunk.length;
    if (octets > MAX_ANSWER_OCTETS) {
      throw new Error(`the answer has more than ${MAX_ANSWER_OCTETS} octets`);
    }
  }
  const { statusCode = 0, headers } = answer;
  const contentType = headers['content-type'];
  return new Response(Buffer.concat(chunks), {
    status: statusCode,
    headers: contentType === undefined ? {} : { 'content-type': contentType },
  });
}
