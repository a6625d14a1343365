/** Octets of a server made wrong: flipped, lost, doubled, mixed with what a parser may trip over, and cut anywhere. */
import type { Dice } from './dice.ts';

/** What means something in a protocol of lines and dots, and what overflows what reads it. */
const TOKENS: readonly Buffer[] = [
  ...[
    '\r\n.\r\n',
    '.\r\n',
    '\r\n',
    '\n',
    '\r',
    '.',
    '..',
    '\n.\n',
    '\r\n.\n',
    '\n.\r\n',
    '\r\r\n',
    '\r\n..\r\n',
  ],
  ...[
    '+OK\r\n',
    '+OK ',
    '-ERR\r\n',
    '-ERR [IN-USE] x\r\n',
    '-ERR [SYS/TEMP]\r\n',
    '+ \r\n',
    '+\r\n',
    '* OK\r\n',
    '+ERR\r\n',
  ],
  ...[
    '1 1\r\n',
    '0 0\r\n',
    '-1 5\r\n',
    '1 99999999999999999999\r\n',
    '4294967296 1\r\n',
    '2 same\r\n',
    '7\r\n',
    '1  \r\n',
  ],
  ...[
    'PIPELINING\r\n',
    'UIDL\r\n',
    'SASL=PLAIN\r\n',
    'STLS\r\n',
    'RESP-CODES\r\n',
    'EXPIRE 0\r\n',
    '<a@b>',
    '<<@>>',
  ],
  ...[
    '\0',
    '\0\0\0\0',
    '\x1b[2J',
    '\xff\xfe',
    '[',
    ']',
    '[[[[',
    '%s%n',
    '../../..',
    '9'.repeat(400),
    ' '.repeat(300),
  ],
].map((text) => Buffer.from(text, 'latin1'));

const LONGEST_REPEAT = 400;

/** One thing made wrong, at one place. */
export function mutate(octets: Buffer, dice: Dice): Buffer {
  const from = dice.below(octets.length + 1);
  const to = Math.min(octets.length, from + dice.below(dice.oneIn(4) ? 200 : 8));
  const [before, cut, after] = [octets.subarray(0, from), octets.subarray(from, to), octets.subarray(to)];
  switch (dice.below(7)) {
    case 0:
      return Buffer.concat([before, dice.octets(cut.length), after]);
    case 1:
      return Buffer.concat([before, after]);
    case 2:
      return Buffer.concat([before, cut, cut, after]);
    case 3:
      return Buffer.concat([before, dice.pick(TOKENS), octets.subarray(from)]);
    case 4:
      return Buffer.concat([before, dice.pick(TOKENS), after]);
    case 5:
      return Buffer.concat([
        before,
        ...Array<Buffer>(dice.below(LONGEST_REPEAT)).fill(dice.pick(TOKENS)),
        after,
      ]);
    default:
      return Buffer.concat([after, before]);
  }
}

/** Made of nothing but tokens and noise. */
export function invent(dice: Dice, pieces: number): Buffer {
  return Buffer.concat(
    Array.from({ length: dice.below(pieces) }, () =>
      dice.oneIn(3) ? dice.octets(dice.below(40)) : dice.pick(TOKENS),
    ),
  );
}

/** The same octets in pieces of any size. */
export function cut(octets: Buffer, dice: Dice): Buffer[] {
  const pieces: Buffer[] = [];
  const largest = dice.pick([1, 3, 40, 2_000, octets.length + 1]);
  for (let from = 0; from < octets.length; ) {
    const length = 1 + dice.below(largest);
    pieces.push(octets.subarray(from, from + length));
    from += length;
  }
  return pieces;
}
