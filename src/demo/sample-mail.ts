/**
 * Sample mail for the quick start and for tests: the same octets for the same seed, on every machine and day. Varied in
 * what breaks archives (dots, `From ` lines, 8-bit, no final line end, nothing at all), not in what reads well.
 */
import type { DemoUser } from './demo-server.ts';
import type { GeneratedContent, MessageInput } from './mailbox.ts';

const COUNTS = { alice: 160, bob: 90, carol: 50 };
const LARGE_OCTETS = 5_000_000;
const WORDS =
  'archive mailbox octet digest ledger receipt harbour ferry crossing tide anchor manifest cargo deck berth signal lantern rope pilot chart'.split(
    ' ',
  );

/**
 * Three users, alice, bob and carol, with 300 messages; the password of each is the name and `-demo`. Each has an empty message
 * and a large one of some 5 MB that is made while it is sent.
 */
export function sampleUsers(seed = 1): DemoUser[] {
  return Object.entries(COUNTS).map(([name, count], index) => ({
    name,
    password: `${name}-demo`,
    messages: sampleMessages(name, count, seed * 1000 + index),
  }));
}

/** So many varied messages (at least one of each kind where there are ten or more), the last two empty and large. */
export function* sampleMessages(recipient: string, count: number, seed: number): Generator<MessageInput> {
  const random = new Random(seed);
  const kinds = Object.values(KINDS);
  for (let index = 0; index < count - 2; index += 1) {
    const kind = kinds[index % kinds.length] ?? KINDS.plain;
    const draft = new Draft(random, recipient, index);
    yield Buffer.from(kind(draft), 'latin1');
  }
  yield Buffer.alloc(0);
  yield largeMessage(LARGE_OCTETS, seed);
}

/** So many messages of so many octets each, all different, each made when it is asked for: for tests of speed and memory. */
export function* bulkMessages(count: number, octets: number): Generator<MessageInput> {
  for (let index = 0; index < count; index += 1) {
    const chunks = (): Buffer[] => {
      const start = `From: bulk@demo.invalid\r\nMessage-ID: <bulk.${index}@demo.invalid>\r\n\r\n`;
      return [Buffer.from(fill(start, octets), 'latin1')];
    };
    yield { octets, chunks };
  }
}

/** A message of exactly so many octets (at least 1,000), in chunks that are made while they are sent. */
export function largeMessage(octets: number, seed = 1): GeneratedContent {
  const draft = new Draft(new Random(seed), 'large', seed);
  const head = `${draft.header('text/plain; charset=us-ascii')}\r\n`;
  const line = Buffer.from(`${draft.sentence(20).slice(0, 76)}\r\n`);
  const chunk = Buffer.concat(Array.from({ length: 800 }, () => line));
  return {
    octets,
    *chunks() {
      yield Buffer.from(head, 'latin1');
      let left = octets - head.length;
      for (; left > chunk.length + line.length; left -= chunk.length) {
        yield chunk;
      }
      yield Buffer.from(fill('', left), 'latin1');
    },
  };
}

/** One line as long as it must be, since the octets are to be met exactly. */
function fill(start: string, octets: number): string {
  return `${start.padEnd(octets - 2, '0123456789abcdef ')}\r\n`;
}

/** Each makes a message, octets by latin1. What the name says is what is unusual about it. */
const KINDS = {
  plain: (draft: Draft) => `${draft.header('text/plain; charset=us-ascii')}\r\n${draft.paragraphs(3)}`,
  dotLines: (draft: Draft) =>
    `${draft.header('text/plain')}\r\n.\r\n..\r\n.${draft.sentence(5)}\r\n${draft.paragraphs(1)}...\r\n.\r\n`,
  fromLines: (draft: Draft) =>
    `${draft.header('text/plain')}\r\nFrom here on\r\n>From quoted\r\n\r\nFrom alice@demo.invalid Thu Jan  1 00:00:00 2015\r\n${draft.paragraphs(1)}`,
  utf8: (draft: Draft) =>
    `${draft.header('text/plain; charset=utf-8', '8bit')}\r\n${latin1Of('Überfahrt nach Łódź, 渡し船, ⛴\r\n')}${draft.paragraphs(2)}`,
  latin1: (draft: Draft) =>
    `${draft.header('text/plain; charset=iso-8859-1', '8bit')}\r\nF\xe4hre \xfcber den Flu\xdf\r\n${draft.paragraphs(1)}`,
  encodedHeader: (draft: Draft) =>
    `${draft.header('text/plain; charset=utf-8', 'quoted-printable', '=?utf-8?Q?F=C3=A4hre?= =?utf-8?B?4pu0?=')}\r\nF=C3=A4hre =\r\nund Hafen\r\n`,
  alternative: (draft: Draft) =>
    draft.multipart('alternative', [
      `Content-Type: text/plain\r\n\r\n${draft.paragraphs(1)}`,
      `Content-Type: text/html\r\n\r\n<p>${draft.sentence(30)}</p>\r\n`,
    ]),
  attachment: (draft: Draft) =>
    draft.multipart('mixed', [
      `Content-Type: text/plain\r\n\r\n${draft.paragraphs(1)}`,
      `Content-Type: application/octet-stream; name="chart.bin"\r\nContent-Transfer-Encoding: base64\r\n\r\n${draft.base64(12_000)}`,
    ]),
  forwarded: (draft: Draft) =>
    draft.multipart('mixed', [
      `Content-Type: text/plain\r\n\r\n${draft.sentence(8)}\r\n`,
      `Content-Type: message/rfc822\r\n\r\n${draft.header('text/plain')}\r\n${draft.paragraphs(1)}`,
    ]),
  longLine: (draft: Draft) => `${draft.header('text/plain')}\r\n${draft.sentence(2_000)}\r\n`,
  noFinalLineEnd: (draft: Draft) => `${draft.header('text/plain')}\r\n${draft.sentence(12)}`,
  headerOnly: (draft: Draft) => draft.header('text/plain'),
  foldedHeader: (draft: Draft) =>
    `X-Long: ${draft.sentence(10)}\r\n\t${draft.sentence(10)}\r\n ${draft.sentence(10)}\r\n${draft.header('text/plain')}\r\n${draft.paragraphs(1)}`,
  blankLines: (draft: Draft) =>
    `${draft.header('text/plain')}\r\n\r\n\r\n\r\n${draft.sentence(5)}\r\n\r\n\r\n`,
} as const;

/** Makes the parts of one message; what varies comes from the random numbers alone, dates included. */
class Draft {
  readonly #random: Random;
  readonly #recipient: string;
  readonly #index: number;

  constructor(random: Random, recipient: string, index: number) {
    this.#random = random;
    this.#recipient = recipient;
    this.#index = index;
  }

  /** Header lines, without the blank line. */
  header(contentType: string, encoding?: string, subject = this.sentence(4)): string {
    const date = new Date(Date.UTC(2024, 0, 1) + this.#index * 3_600_000 + this.#random.below(3_600) * 1000);
    return [
      `From: ${this.#random.pick(WORDS)}@demo.invalid`,
      `To: ${this.#recipient}@demo.invalid`,
      `Subject: ${subject}`,
      `Date: ${date.toUTCString().replace('GMT', '+0000')}`,
      `Message-ID: <${this.#index}.${this.#random.below(2 ** 32)}@demo.invalid>`,
      'MIME-Version: 1.0',
      `Content-Type: ${contentType}`,
      ...(encoding === undefined ? [] : [`Content-Transfer-Encoding: ${encoding}`]),
      '',
    ].join('\r\n');
  }

  sentence(words: number): string {
    return Array.from({ length: words }, () => this.#random.pick(WORDS)).join(' ');
  }

  paragraphs(count: number): string {
    return Array.from({ length: count }, () => `${this.sentence(10)}\r\n${this.sentence(6)}.\r\n\r\n`).join(
      '',
    );
  }

  base64(octets: number): string {
    const text = Buffer.from(Array.from({ length: octets }, () => this.#random.below(256))).toString(
      'base64',
    );
    return text.replace(/.{1,76}/g, '$&\r\n');
  }

  multipart(subtype: string, parts: readonly string[]): string {
    const boundary = `=_${this.#random.below(2 ** 32)}`;
    const body = parts.map((part) => `--${boundary}\r\n${part}\r\n`).join('');
    return `${this.header(`multipart/${subtype}; boundary="${boundary}"`)}\r\n${body}--${boundary}--\r\n`;
  }
}

/** Mulberry32: small, well mixed, the same everywhere. Not for secrets. */
class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** A whole number from 0 up to, not including, `limit` (at most 2^32). */
  below(limit: number): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * limit);
  }

  pick<Item>(items: readonly Item[]): Item {
    const item = items[this.below(items.length)];
    if (item === undefined) {
      throw new RangeError('cannot pick from nothing');
    }
    return item;
  }
}

/** UTF-8 octets as latin1 text, in which the messages are put together. */
function latin1Of(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1');
}
