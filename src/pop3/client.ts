/**
 * One POP3 session in the AUTHORIZATION or TRANSACTION state (RFC 1939 §3): a method per command. It sends what it is told to and
 * judges by +OK and -ERR only; what to fetch, to keep or to delete is decided elsewhere.
 *
 * Refusals reject with RefusedError and leave the session usable. ProtocolError and ConnectionError end it: every later
 * call rejects with the same cause.
 */
import type { Scope } from '../errors/mailferry-error.ts';
import { Capabilities } from './capabilities.ts';
import { type CommandLine, command } from './command.ts';
import type { CommandWindow, Exchange, PipeliningFacts } from './command-window.ts';
import { ProtocolError, RefusedError } from './errors.ts';
import type { Greeting } from './greeting.ts';
import { meaningOfRefusal } from './known-texts.ts';
import {
  type LineHandler,
  LineReader,
  type MaildropStat,
  parseListLine,
  parseStat,
  parseUidlLine,
} from './listing.ts';
import { parseResponseCode, type ResponseCode } from './response-code.ts';
import { Retrieval, type RetrievalReceiver, type RetrievalRequest } from './retrieval.ts';
import type { SaslLine } from './sasl/mechanism.ts';
import { quote, type Status } from './status.ts';
import type { TlsFacts } from './tls.ts';
import type { Transport } from './transport.ts';

/** Most lines that CAPA may answer: a server that never ends must not fill memory. */
const MAX_CAPABILITIES = 500;

/** Longest part of one of them that is looked at. */
const MAX_CAPABILITY_OCTETS = 512;

/** A session in which nothing is asked for this long is kept alive; the server may end it after 10 minutes (RFC 1939 §3), some do after one. */
const KEEP_ALIVE_MS = 20_000;

/** Most octets that are kept of an answer to TOP; some servers send the whole message instead. */
const MAX_TOP_OCTETS = 2 * 1024 * 1024;

interface AskOptions {
  readonly isSasl?: boolean;
  readonly firstOctetMs?: number;
}

/** What the client itself needs of the connection; the rest is the window's. */
export type ClientTransport = Pick<Transport, 'tlsFacts' | 'endpoint' | 'channelBinding' | 'startTls'>;

export class Pop3Client {
  readonly greeting: Greeting;
  readonly #window: CommandWindow;
  readonly #transport: ClientTransport;
  readonly #loginMs: number;
  #capabilities: Capabilities | undefined;
  #isLoggedIn = false;
  #isTopStopped = false;
  #isBrokenAtTop = false;

  constructor(greeting: Greeting, window: CommandWindow, transport: ClientTransport, loginMs: number) {
    this.greeting = greeting;
    this.#window = window;
    this.#transport = transport;
    this.#loginMs = loginMs;
  }

  /** What CAPA said last; undefined where the server has no CAPA. Nothing may be concluded from an absence then. */
  get capabilities(): Capabilities | undefined {
    return this.#capabilities;
  }

  get tlsFacts(): TlsFacts | undefined {
    return this.#transport.tlsFacts;
  }

  /** How pipelining went so far; also when the session is over. */
  get pipelining(): PipeliningFacts {
    return this.#window.pipelining;
  }

  /** What a SASL mechanism may know of this session. */
  get saslLine(): SaslLine {
    const { host, port, tls } = this.#transport.endpoint;
    const { channelBinding } = this.#transport;
    const hasClientCertificate = this.tlsFacts !== undefined && tls.clientCertificate !== undefined;
    const offered = this.#capabilities?.mechanisms ?? [];
    const serverName = tls.serverName ?? host;
    return { host, port, serverName, channelBinding, hasClientCertificate, offered };
  }

  /** Resolves when the connection is gone, for whatever reason. */
  get closed(): Promise<void> {
    return this.#window.closed;
  }

  /** Why the session ended, where it did not end in order. */
  get failure(): Error | undefined {
    return this.#window.failure;
  }

  /** Whether the server ended the connection in order and between two answers. */
  get isEndedBetweenAnswers(): boolean {
    return this.#window.isEndedBetweenAnswers;
  }

  /** Asks CAPA (RFC 2449 §5). -ERR means that there is no such command, here or in this state: what was said before stays. */
  async capa(): Promise<Capabilities | undefined> {
    const lines: string[] = [];
    const status = await this.#askLines(command('CAPA'), (octets, start, end) => {
      if (lines.length === MAX_CAPABILITIES) {
        throw new ProtocolError(`the answer to CAPA has more than ${MAX_CAPABILITIES} lines`);
      }
      lines.push(octets.toString('latin1', start, Math.min(end, start + MAX_CAPABILITY_OCTETS)));
    });
    if (status.kind === 'ok') {
      this.#capabilities = new Capabilities(lines);
    }
    return this.#capabilities;
  }

  /** Puts TLS over the connection (RFC 2595 §4) and forgets what was said before. The caller asks CAPA anew. */
  async stls(): Promise<void> {
    await this.#expectOk(command('STLS'), 'account');
    await this.#transport.startTls();
    this.#window.restartParser();
    this.#capabilities = undefined;
  }

  /** Enters the TRANSACTION state: from here on up to `commands` may be in flight where the server announces PIPELINING. */
  enterTransaction(commands: number, windowOctets: number): void {
    this.#isLoggedIn = true;
    this.#window.widen(this.#capabilities?.has('PIPELINING') === true ? commands : 1, windowOctets);
    const timer = setInterval(() => this.#keepAlive(), KEEP_ALIVE_MS);
    void this.#window.over.then(() => clearInterval(timer));
  }

  /** NOOP while sinks are slow, or are read back before a deletion. Whatever it is answered, the session lives. */
  #keepAlive(): void {
    if (this.#window.isIdle) {
      // A session that fails at it tells whoever asks next.
      this.ask(command('NOOP')).catch(() => undefined);
    }
  }

  /** From here on one command is in flight at a time, whatever the server announces. */
  stopPipelining(): void {
    this.#window.widen(1, Number.POSITIVE_INFINITY);
  }

  async stat(): Promise<MaildropStat> {
    return parseStat((await this.#expectOk(command('STAT'), 'account')).text);
  }

  /** Hands on each line of LIST as it comes. */
  async list(onEntry: (number: number, octets: number) => void): Promise<void> {
    const list = command('LIST');
    const status = await this.#askLines(list, (octets, start, end) => {
      const entry = parseListLine(octets, start, end);
      onEntry(entry.number, entry.octets);
    });
    this.#assertOk(list, status, 'account');
  }

  /**
   * Hands on each line of UIDL as it comes. @returns false where the server has no UIDL. A refusal means that only where UIDL
   * is not announced and no response code says otherwise: taken for granted, it would fetch the whole maildrop anew.
   */
  async uidl(onEntry: (number: number, uidl: string) => void): Promise<boolean> {
    const uidl = command('UIDL');
    const status = await this.#askLines(uidl, (octets, start, end) => {
      const entry = parseUidlLine(octets, start, end);
      onEntry(entry.number, entry.uidl);
    });
    const isAnnounced = this.#capabilities?.has('UIDL') === true;
    const isExplained =
      meaningOfRefusal(this.responseCodeOf(status.text), status.text, 'session') !== undefined;
    if (status.kind !== 'ok' && (isAnnounced || isExplained)) {
      this.#assertOk(uidl, status, 'account', 'later');
    }
    return status.kind === 'ok';
  }

  /** Asks for no header any more, as if the server refused TOP: it broke sessions before. */
  stopTop(): void {
    this.#isTopStopped = true;
  }

  /** Whether the session failed while headers were asked for. */
  get isBrokenAtTop(): boolean {
    return this.#isBrokenAtTop;
  }

  /** The header and `lines` lines of the body: a hint only, many servers get TOP wrong (RFC 1939 §7). */
  async top(number: number, lines: number): Promise<Buffer> {
    const top = command('TOP', number, lines);
    if (this.#isTopStopped) {
      throw this.refusal(
        top,
        { kind: 'err', text: 'not asked, since TOP broke earlier sessions' },
        'message',
      );
    }
    try {
      return await this.#askTop(top);
    } catch (cause) {
      this.#isBrokenAtTop ||= !(cause instanceof RefusedError);
      throw cause;
    }
  }

  async #askTop(top: CommandLine): Promise<Buffer> {
    const chunks: Buffer[] = [];
    let octets = 0;
    const status = await this.#exchange(top, {
      isMultiLine: true,
      isMessage: true,
      onBody: (slice) => {
        const kept = slice.subarray(0, MAX_TOP_OCTETS - octets);
        if (kept.length > 0) {
          chunks.push(kept);
          octets += kept.length;
        }
      },
    });
    this.#assertOk(top, status, 'message');
    return Buffer.concat(chunks);
  }

  /** Begins to fetch messages, as many in flight as the window allows. */
  retrieve<Request extends RetrievalRequest>(receiver: RetrievalReceiver<Request>): Retrieval<Request> {
    return new Retrieval(this, this.#window, receiver);
  }

  /** Marks a message for deletion; only QUIT commits (RFC 1939 §5). */
  async dele(number: number): Promise<void> {
    await this.#expectOk(command('DELE', number), 'message');
  }

  async rset(): Promise<void> {
    await this.#expectOk(command('RSET'), 'account');
  }

  async noop(): Promise<void> {
    await this.#expectOk(command('NOOP'), 'account');
  }

  /**
   * Commits deletions and ends the session, also where the server answers that it could not commit them all (RFC 1939 §6).
   * The connection is closed by us; some servers leave theirs open.
   * @param answerMs longest wait for the answer, where the session's is longer.
   */
  async quit({ answerMs }: { readonly answerMs?: number } = {}): Promise<void> {
    const quit = command('QUIT');
    const { firstOctetMs } = this.#window;
    const status = await this.ask(quit, { firstOctetMs: Math.min(answerMs ?? firstOctetMs, firstOctetMs) });
    this.#window.close();
    this.#assertOk(quit, status, 'account', 'later');
  }

  /** Drops the connection without QUIT: nothing is committed (RFC 1939 §6). */
  drop(cause: Error): void {
    this.#window.fail(cause);
  }

  /** Sends one command and returns the status line of its answer, whatever it says. */
  ask(line: CommandLine, options: AskOptions = {}): Promise<Status> {
    return this.#exchange(line, { isMultiLine: false, ...options });
  }

  /** Response codes count only where the server announces them, all (RFC 2449 §8) or [AUTH] (RFC 3206 §6). */
  responseCodeOf(text: string): ResponseCode | undefined {
    const isAnnounced = ['RESP-CODES', 'AUTH-RESP-CODE'].some((name) => this.#capabilities?.has(name));
    return isAnnounced ? parseResponseCode(text) : undefined;
  }

  /** A refusal in words: what was asked, what the server said, what its response code (or a text that is known) means. */
  refusal(
    { shown }: CommandLine,
    status: Status,
    scope: Scope,
    retry: 'later' | 'never' = 'never',
  ): RefusedError {
    const responseCode = this.responseCodeOf(status.text);
    const place = scope === 'message' ? 'message' : 'session';
    const meaning = meaningOfRefusal(responseCode, status.text, place);
    const because = meaning === undefined ? '' : `: ${meaning.says}`;
    return new RefusedError(`the server refused ${shown}${because}; it said ${quote(status.text)}`, {
      code: meaning?.code ?? 'pop3-refused',
      scope,
      retry: meaning?.retry ?? retry,
      hint: meaning?.hint,
      serverText: status.text,
      responseCode,
    });
  }

  async #expectOk(line: CommandLine, scope: Scope): Promise<Status> {
    const status = await this.ask(line);
    this.#assertOk(line, status, scope);
    return status;
  }

  #assertOk(line: CommandLine, status: Status, scope: Scope, retry: 'later' | 'never' = 'never'): void {
    if (status.kind !== 'ok') {
      throw this.refusal(line, status, scope, retry);
    }
  }

  async #askLines(line: CommandLine, onLine: LineHandler): Promise<Status> {
    const reader = new LineReader(line.shown, onLine);
    const status = await this.#exchange(line, { isMultiLine: true, onBody: (octets) => reader.push(octets) });
    reader.end();
    return status;
  }

  #exchange(
    line: CommandLine,
    rest: Pick<Exchange, 'isMultiLine' | 'isMessage' | 'isSasl' | 'onBody' | 'firstOctetMs'>,
  ): Promise<Status> {
    return new Promise((resolve, reject) => {
      let answer: Status = { kind: 'err', text: '' };
      this.#window.send({
        // A login may take minutes on a large maildrop, before its first octet.
        ...(this.#isLoggedIn ? {} : { firstOctetMs: this.#loginMs }),
        ...rest,
        command: line,
        onStatus: (status) => {
          answer = status;
        },
        onEnd: () => resolve(answer),
        onFailure: reject,
      });
    });
  }
}
