/**
 * The mail that the bench serves: made from a seed, so that every run of every contender on every machine gets the same
 * octets. Plain ASCII with LF line ends (the server sends CRLF, a Maildir or mbox keeps LF), no line begins with a dot or with
 * `From `, and there is no Return-Path, which fetchmail takes out: the bench is about speed and completeness, what programs change in mail is for tests.
 */
const LINE_OCTETS = 77;
const POOL_LINES = 16_384;
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
const LARGEST_OCTETS = 8_000_000;
const SMALLEST_OCTETS = 700;
/** A log-normal distribution of this median and spread has its mean at about 75 KB and a tail of several MB. */
const MEDIAN_OCTETS = 15_000;
const SPREAD = 1.8;

export type Sizes = { readonly kind: 'fixed'; readonly octets: number } | { readonly kind: 'realistic' };

/** Yields messages one by one; none is kept. Sizes are octets with LF line ends. */
export function* makeMessages(count: number, sizes: Sizes, seed = 1): Generator<Buffer> {
  const random = randomFrom(seed);
  const pool = makePool(random);
  for (let number = 1; number <= count; number++) {
    const octets = sizes.kind === 'fixed' ? sizes.octets : realisticOctets(random);
    yield makeMessage(number, octets, pool, random);
  }
}

function makeMessage(number: number, octets: number, pool: Buffer, random: () => number): Buffer {
  const day = 1 + (number % 28);
  const header = Buffer.from(
    `Date: ${day} Nov 2025 12:00:00 +0000\n` +
      `From: Sender ${number % 97} <sender${number % 97}@example.org>\nTo: <reader@example.net>\n` +
      `Subject: message ${number}\nMessage-ID: <${number}.bench@example.org>\n` +
      'MIME-Version: 1.0\nContent-Type: text/plain; charset=us-ascii\n\n',
    'latin1',
  );
  const message = Buffer.alloc(Math.max(octets, header.length + 2), '\n');
  header.copy(message);
  const end = message.length - 1;
  for (let at = header.length; at < end; ) {
    const line = Math.floor(random() * POOL_LINES) * LINE_OCTETS;
    const wanted = Math.min(end - at, pool.length - line);
    at += pool.copy(message, at, line, line + wanted);
  }
  // No blank last line: how many of those belong to the message is what mbox writers disagree on.
  message.write('x', end - 1, 'latin1');
  return message;
}

/** Lines like those of Base64: a message is a cut from here, so that no two are alike and making them is quick. */
function makePool(random: () => number): Buffer {
  const pool = Buffer.alloc(POOL_LINES * LINE_OCTETS, '\n');
  for (let at = 0; at < pool.length; at++) {
    if (at % LINE_OCTETS === LINE_OCTETS - 1) continue;
    pool[at] = ALPHABET.charCodeAt(Math.floor(random() * ALPHABET.length));
  }
  return pool;
}

function realisticOctets(random: () => number): number {
  const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  const octets = Math.round(MEDIAN_OCTETS * Math.exp(SPREAD * normal));
  return Math.min(LARGEST_OCTETS, Math.max(SMALLEST_OCTETS, octets));
}

/** mulberry32: small, quick, and the same numbers everywhere. */
function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
