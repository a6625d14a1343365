/**
 * An OAuth 2.0 server of the test's own, on loopback: a token endpoint and a device endpoint (RFC 6749, RFC 8628), whose answers the
 * test gives. Must not use any code of the product.
 */
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import { createServer as createSecureServer } from 'node:https';

export interface TokenRequest {
  readonly path: string;
  readonly form: Readonly<Record<string, string>>;
}

export interface TokenAnswer {
  readonly status?: number;
  /** JSON, or a text as it is. */
  readonly body: object | string;
}

export interface TokenEndpoint extends AsyncDisposable {
  readonly url: string;
  readonly deviceUrl: string;
  /** Everything that was asked, in order. */
  readonly requests: readonly TokenRequest[];
}

/**
 * @param answer undefined: none is given, the connection stays open.
 * @param certificate for https; else it is http
 */
export async function startTokenEndpoint(
  answer: (request: TokenRequest, count: number) => TokenAnswer | undefined,
  certificate?: { readonly cert: string; readonly key: string },
): Promise<TokenEndpoint> {
  const requests: TokenRequest[] = [];
  const serve: RequestListener = async (incoming, outgoing) => {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) {
      if (Buffer.isBuffer(chunk)) chunks.push(chunk);
    }
    const form = Object.fromEntries(new URLSearchParams(Buffer.concat(chunks).toString('utf8')));
    const request = { path: incoming.url ?? '', form };
    requests.push(request);
    const given = answer(request, requests.length);
    if (given === undefined) return;
    const isText = typeof given.body === 'string';
    outgoing.writeHead(given.status ?? 200, { 'content-type': isText ? 'text/plain' : 'application/json' });
    outgoing.end(isText ? given.body : JSON.stringify(given.body));
  };
  const server = certificate === undefined ? createServer(serve) : createSecureServer(certificate, serve);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const origin = `${certificate === undefined ? 'http' : 'https'}://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`;
  return {
    url: `${origin}/token`,
    deviceUrl: `${origin}/device`,
    requests,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

export function bearer(token: string, more: object = {}): TokenAnswer {
  return { body: { access_token: token, token_type: 'Bearer', expires_in: 3600, ...more } };
}

export function refused(error: string, description?: string): TokenAnswer {
  return {
    status: 400,
    body: { error, ...(description !== undefined && { error_description: description }) },
  };
}
