/**
 * An object store of our own for what no real one within reach does: it verifies `x-amz-checksum-sha256` and gives it back, and
 * it misbehaves on demand. It checks what a real one checks (the signed digest of the payload, If-None-Match, lengths) and
 * refuses aws-chunked bodies, since it would store their framing. Shares no code with the product.
 */
import { createHash, randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface DoubleObject {
  octets: Buffer;
  /** What HEAD tells, hex; undefined for nothing. */
  checksum: string | undefined;
  headers: Record<string, string>;
}

/** What happens to a request instead of its answer, or on the way to it. */
export type Mischief =
  /** An error, nothing is stored. */
  | { readonly kind: 'answer'; readonly status: number; readonly code: string }
  /** Nothing is stored and nothing answered. */
  | { readonly kind: 'silence-before' }
  /** Stored, and nothing answered. */
  | { readonly kind: 'silence-after' }
  /** The connection is cut while the body comes; nothing is stored. */
  | { readonly kind: 'reset-in-body' }
  /** Stored, then the connection is cut. */
  | { readonly kind: 'reset-after' }
  /** 200, and nothing is stored. */
  | { readonly kind: '200-and-lost' }
  /** Stored with octets of its own. */
  | { readonly kind: 'spoilt' }
  /** HEAD tells another checksum. */
  | { readonly kind: 'wrong-checksum' };

export interface SeenRequest {
  readonly method: string;
  readonly key: string;
  readonly query: URLSearchParams;
  readonly headers: Readonly<Record<string, string>>;
}

export interface DoubleOptions {
  readonly conditions?: 'kept' | 'ignored' | 'refused';
  readonly hasChecksums?: boolean;
  readonly accessKeyId?: string;
  /** How far its clock is ahead. */
  readonly skewMs?: number;
  readonly keepsLock?: boolean;
  readonly canList?: boolean;
  readonly hasMd5Etags?: boolean;
  /** Refuses a put without Content-MD5. */
  readonly asksForMd5?: boolean;
  /** Takes a body that is not what was signed. */
  readonly ignoresSignatures?: boolean;
  /** Reads all bodies together no faster. */
  readonly octetsPerSecond?: number;
}

interface Fault {
  readonly status: number;
  readonly code: string;
  readonly text?: string;
}

const BUCKET = 'double';
const KEYS_PER_PAGE = 3;
const MAX_SKEW_MS = 15 * 60_000;

export class S3Double implements AsyncDisposable {
  readonly objects = new Map<string, DoubleObject>();
  readonly uploads = new Map<string, Map<number, Buffer>>();
  readonly seen: SeenRequest[] = [];
  readonly bucket = BUCKET;
  readonly region = 'us-east-1';
  readonly secretAccessKey = 'secret';
  /** Asked before each request is answered; a test sets it. */
  mischief: (request: SeenRequest) => Mischief | undefined = () => undefined;
  options: DoubleOptions;
  /** When the line to it is free again. */
  #freeAt = 0;
  readonly #server: Server;
  readonly #held = new Set<ServerResponse>();

  private constructor(options: DoubleOptions) {
    this.options = options;
    this.#server = createServer((request, response) => {
      this.#serve(request, response).catch((error: unknown) =>
        response.destroy(error instanceof Error ? error : undefined),
      );
    });
  }

  static async start(options: DoubleOptions = {}): Promise<S3Double> {
    const double = new S3Double(options);
    await new Promise<void>((resolve) => double.#server.listen(0, '127.0.0.1', resolve));
    return double;
  }

  get accessKeyId(): string {
    return this.options.accessKeyId ?? 'double';
  }

  get endpoint(): string {
    // A server that listens on a TCP port has an AddressInfo.
    const { port } = this.#server.address() as AddressInfo;
    return `http://127.0.0.1:${port}`;
  }

  /** Lets the next `times` requests of a method that are about messages meet with mischief. */
  misbehave(method: string, mischief: Mischief, times = 1): void {
    let left = times;
    const before = this.mischief;
    this.mischief = (request) => {
      if (left > 0 && request.method === method && request.key !== '') {
        left--;
        return mischief;
      }
      return before(request);
    };
  }

  requests(method: string): number {
    return this.seen.filter((request) => request.method === method).length;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://double');
    const [, bucket = '', ...rest] = url.pathname.split('/');
    const key = decodeURIComponent(rest.join('/'));
    const headers = Object.fromEntries(
      Object.entries(request.headers).map(([name, value]) => [name, String(value)]),
    );
    response.sendDate = false;
    response.setHeader('date', new Date(Date.now() + (this.options.skewMs ?? 0)).toUTCString());
    const asked: SeenRequest = { method: request.method ?? '', key, query: url.searchParams, headers };
    this.seen.push(asked);
    const mischief = this.mischief(asked);
    if (mischief?.kind === 'reset-in-body') {
      request.once('data', () => request.socket.destroy());
      return;
    }
    const body = await this.#bodyOf(request);
    if (mischief?.kind === 'silence-before') {
      this.#held.add(response);
      return;
    }
    if (mischief?.kind === 'answer') {
      refuse(response, mischief.status, mischief.code);
      return;
    }
    const fault: Fault | undefined =
      bucket === BUCKET ? this.#faultOf(asked, body) : { status: 404, code: 'NoSuchBucket' };
    if (fault !== undefined) {
      refuse(response, fault.status, fault.code, fault.text);
      return;
    }
    this.#answer(asked, body, response, mischief);
  }

  async #bodyOf(request: IncomingMessage): Promise<Buffer> {
    const chunks: Buffer[] = [];
    const rate = this.options.octetsPerSecond;
    for await (const chunk of request) {
      chunks.push(chunk);
      if (rate !== undefined) {
        this.#freeAt = Math.max(Date.now(), this.#freeAt) + (chunk.length / rate) * 1000;
        const waitMs = this.#freeAt - Date.now();
        await new Promise((resolve) => setTimeout(resolve, waitMs));
      }
    }
    return Buffer.concat(chunks);
  }

  /** What is checked of every request. */
  #faultOf({ method, headers }: SeenRequest, body: Buffer): Fault | undefined {
    const credential = /Credential=([^/]+)\//.exec(headers['authorization'] ?? '')?.[1];
    if (credential !== this.accessKeyId) return { status: 400, code: 'ExpiredToken' };
    const [, y, mo, d, h, mi, s] =
      /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(headers['x-amz-date'] ?? '') ?? [];
    const at = Date.UTC(Number(y), Number(mo) - 1, Number(d), Number(h), Number(mi), Number(s));
    const now = Date.now() + (this.options.skewMs ?? 0);
    if (!(Math.abs(now - at) < MAX_SKEW_MS)) return { status: 403, code: 'RequestTimeTooSkewed' };
    if (/aws-chunked/.test(headers['content-encoding'] ?? '')) return { status: 501, code: 'NotImplemented' };
    const isSigned = headers['x-amz-content-sha256'] === digest(body, 'hex');
    if (body.length > 0 && !isSigned && this.options.ignoresSignatures !== true)
      return { status: 400, code: 'XAmzContentSHA256Mismatch' };
    const md5 = headers['content-md5'];
    if (this.options.asksForMd5 === true && method === 'PUT' && body.length > 0 && md5 === undefined)
      return {
        status: 400,
        code: 'InvalidRequest',
        text: 'Missing required header for this request: Content-MD5',
      };
    if (md5 !== undefined && md5 !== createHash('md5').update(body).digest('base64'))
      return { status: 400, code: 'BadDigest' };
    const checksum = headers['x-amz-checksum-sha256'];
    if (this.#hasChecksums && checksum !== undefined && checksum !== digest(body, 'base64'))
      return { status: 400, code: 'BadDigest' };
    return undefined;
  }

  #etagOf(octets: Buffer): string {
    const { hasMd5Etags = true } = this.options;
    return hasMd5Etags ? `"${createHash('md5').update(octets).digest('hex')}"` : '"opaque"';
  }

  get #canList(): boolean {
    return this.options.canList ?? true;
  }

  get #hasChecksums(): boolean {
    return this.options.hasChecksums ?? true;
  }

  #answer(asked: SeenRequest, body: Buffer, response: ServerResponse, mischief: Mischief | undefined): void {
    const { method, key, query } = asked;
    if (method === 'POST' || query.has('uploadId')) {
      this.#answerUpload(asked, body, response);
    } else if (key === '') {
      this.#answerBucket(asked, response);
    } else if (method === 'PUT') {
      this.#put(asked, body, response, mischief);
    } else if (method === 'HEAD' || method === 'GET') {
      this.#give(asked, response, mischief);
    } else {
      refuse(response, 405, 'MethodNotAllowed');
    }
  }

  #put(
    { key, headers }: SeenRequest,
    body: Buffer,
    response: ServerResponse,
    mischief: Mischief | undefined,
  ): void {
    const { conditions = 'kept' } = this.options;
    if (headers['if-none-match'] === '*') {
      if (conditions === 'refused') {
        refuse(response, 501, 'NotImplemented');
        return;
      }
      if (conditions === 'kept' && this.objects.has(key)) {
        refuse(response, 412, 'PreconditionFailed');
        return;
      }
    }
    const kept = mischief?.kind === 'spoilt' ? Buffer.from('spoilt') : body;
    if (mischief?.kind !== '200-and-lost') this.#keep(key, kept, headers);
    if (mischief?.kind === 'silence-after') {
      this.#held.add(response);
    } else if (mischief?.kind === 'reset-after') {
      response.destroy();
    } else {
      const checksum = this.#hasChecksums ? headers['x-amz-checksum-sha256'] : undefined;
      const told = checksum === undefined ? {} : { 'x-amz-checksum-sha256': checksum };
      response.writeHead(200, { etag: this.#etagOf(kept), ...told }).end();
    }
  }

  #keep(key: string, octets: Buffer, headers: Readonly<Record<string, string>>): void {
    const kept = Object.entries(headers).filter(
      ([name]) =>
        name.startsWith('x-amz-meta-') ||
        name === 'content-type' ||
        (this.options.keepsLock === true && name.startsWith('x-amz-object-lock')),
    );
    const checksum = headers['x-amz-checksum-sha256'] === undefined ? undefined : digest(octets, 'hex');
    this.objects.set(key, { octets, checksum, headers: Object.fromEntries(kept) });
  }

  #give({ method, key }: SeenRequest, response: ServerResponse, mischief: Mischief | undefined): void {
    const object = this.objects.get(key);
    if (object === undefined) {
      refuse(response, 404, method === 'HEAD' ? '' : 'NoSuchKey');
      return;
    }
    const { octets, headers } = object;
    const checksum = mischief?.kind === 'wrong-checksum' ? '0'.repeat(64) : object.checksum;
    const told =
      this.#hasChecksums && method === 'HEAD' && checksum !== undefined
        ? {
            'x-amz-checksum-sha256': Buffer.from(checksum, 'hex').toString('base64'),
            'x-amz-checksum-type': 'FULL_OBJECT',
          }
        : {};
    const etag = this.#etagOf(octets);
    response.writeHead(200, { ...headers, ...told, etag, 'content-length': octets.length });
    response.end(method === 'HEAD' ? undefined : octets);
  }

  #answerBucket({ method, query }: SeenRequest, response: ServerResponse): void {
    if (method === 'PUT') {
      response.writeHead(200).end();
    } else if (query.get('list-type') === '2') {
      this.#list(query, response);
    } else if (query.has('versioning')) {
      response.writeHead(200).end('<VersioningConfiguration/>');
    } else if (query.has('object-lock')) {
      refuse(response, 404, 'ObjectLockConfigurationNotFoundError');
    } else {
      refuse(response, 501, 'NotImplemented');
    }
  }

  /** ListObjectsV2, a few keys a page. */
  #list(query: URLSearchParams, response: ServerResponse): void {
    if (!this.#canList) {
      refuse(response, 403, 'AccessDenied');
      return;
    }
    const after = query.get('start-after') ?? '';
    const prefix = query.get('prefix') ?? '';
    const keys = [...this.objects.keys()].filter((key) => key.startsWith(prefix) && key > after).sort();
    const page = keys.slice(0, KEYS_PER_PAGE);
    const contents = page.map((key) => `<Contents><Key>${encodeURIComponent(key)}</Key></Contents>`).join('');
    const isTruncated = keys.length > page.length;
    response.end(
      `<ListBucketResult><EncodingType>url</EncodingType><IsTruncated>${isTruncated}</IsTruncated>${contents}</ListBucketResult>`,
    );
  }

  #answerUpload({ method, key, query, headers }: SeenRequest, body: Buffer, response: ServerResponse): void {
    const id = query.get('uploadId') ?? '';
    const parts = this.uploads.get(id);
    if (query.has('uploads')) {
      const uploadId = randomUUID();
      this.uploads.set(uploadId, new Map());
      response.end(
        `<InitiateMultipartUploadResult><UploadId>${uploadId}</UploadId></InitiateMultipartUploadResult>`,
      );
    } else if (parts === undefined) {
      refuse(response, 404, 'NoSuchUpload');
    } else if (method === 'PUT') {
      parts.set(Number(query.get('partNumber')), body);
      const crc = headers['x-amz-checksum-crc32'];
      response
        .writeHead(200, { etag: '"part"', ...(crc === undefined ? {} : { 'x-amz-checksum-crc32': crc }) })
        .end();
    } else if (method === 'DELETE') {
      this.uploads.delete(id);
      response.writeHead(204).end();
    } else if (headers['if-none-match'] === '*' && this.objects.has(key)) {
      refuse(response, 412, 'PreconditionFailed');
    } else {
      const whole = [...parts].sort(([a], [b]) => a - b).map(([, part]) => part);
      this.uploads.delete(id);
      this.#keep(key, Buffer.concat(whole), {});
      response.end('<CompleteMultipartUploadResult><ETag>"whole-1"</ETag></CompleteMultipartUploadResult>');
    }
  }
}

function digest(octets: Buffer, encoding: 'hex' | 'base64'): string {
  return createHash('sha256').update(octets).digest(encoding);
}

function refuse(response: ServerResponse, status: number, code: string, said = 'said by the double'): void {
  response.writeHead(status, { 'content-type': 'application/xml' });
  const text = `<?xml version="1.0"?><Error><Code>${code}</Code><Message>${said}</Message></Error>`;
  response.end(code === '' ? undefined : text);
}
