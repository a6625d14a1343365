/**
 * Everything of ours that reads octets of a server before anybody has looked at them, given random and mutated ones. Nothing but
 * our own errors may come out, what is read must not depend on how TCP cut it, and nothing may be kept beyond its limit.
 */
import { createHash } from 'node:crypto';
import { MailferryError } from '../../src/errors/mailferry-error.ts';
import { headerBlock, headerDigest } from '../../src/message/header-block.ts';
import { messageDate } from '../../src/message/message-date.ts';
import { BodyReader } from '../../src/pop3/body-reader.ts';
import { Capabilities } from '../../src/pop3/capabilities.ts';
import { parseGreeting } from '../../src/pop3/greeting.ts';
import { LineReader, parseListLine, parseStat, parseUidlLine } from '../../src/pop3/listing.ts';
import { parseResponseCode } from '../../src/pop3/response-code.ts';
import { ResponseParser } from '../../src/pop3/response-parser.ts';
import { parseStatus, printable, quote } from '../../src/pop3/status.ts';
import { completeBodies } from './complete-bodies.ts';
import type { Dice } from './dice.ts';
import { cut, invent, mutate } from './mutate.ts';

/** What a good server says, to be made wrong. */
const SEEDS: readonly Buffer[] = [
  '+OK POP3 ready <1896.697170952@dbc.mtview.ca.us>\r\n',
  '+OK\r\nTOP\r\nUIDL\r\nSASL PLAIN LOGIN\r\nEXPIRE 7 USER\r\nPIPELINING\r\nIMPLEMENTATION x\r\n.\r\n',
  '+OK 3 1234\r\n+OK\r\n1 400\r\n2 400\r\n3 434\r\n.\r\n+OK\r\n1 aaa\r\n2 bbb\r\n3 c/c%"<\r\n.\r\n',
  '+OK\r\nSubject: one\r\nDate: Thu, 1 Jan 2015 00:00:00 +0000\r\n\r\n..stuffed\r\n...\r\n.\r\n-ERR [SYS/TEMP] no\r\n+OK\r\nx\r\n.\r\n',
  '+OK\nLF only\n..\n.\n+OK bye\n',
  '-ERR [IN-USE] the maildrop is locked\r\n',
].map((text) => Buffer.from(text, 'latin1'));

/** Far above what any reader may hold of an answer that it hands on as it comes. */
const MAX_HELD_OCTETS = 128 * 1024;

function inputOf(dice: Dice): Buffer {
  let octets = dice.oneIn(4) ? invent(dice, 60) : dice.pick(SEEDS);
  for (let times = dice.below(6); times > 0; times -= 1) {
    octets = mutate(octets, dice);
  }
  return octets;
}

/** One input through all readers. @returns its octets. @throws Error with what was found. */
export function fuzzParsers(dice: Dice): number {
  const octets = inputOf(dice);
  const line = octets.subarray(0, Math.max(0, octets.indexOf('\n')));
  const text = octets.toString('latin1');
  const reads: readonly (readonly [string, () => unknown])[] = [
    ['ResponseParser', () => readAnswers(octets, dice)],
    ['BodyReader', () => compareBody(octets, dice)],
    ['LineReader', () => readLines(octets, dice)],
    ['parseGreeting', () => parseGreeting(line)],
    ['parseStatus', () => parseStatus(line, dice.oneIn(2))],
    ['parseStat', () => parseStat(text)],
    ['parseResponseCode', () => parseResponseCode(text)],
    ['Capabilities', () => new Capabilities(text.split('\r\n')).toLines()],
    ['headerDigest', () => [headerDigest(octets), headerBlock(octets), messageDate(octets)]],
    ['quote', () => assertHarmless(quote(text) + printable(text))],
  ];
  for (const [name, read] of reads) {
    try {
      read();
    } catch (thrown) {
      if (!(thrown instanceof MailferryError)) {
        throw new Error(`${name} at ${JSON.stringify(text)}`, { cause: thrown });
      }
    }
  }
  return octets.length;
}

/** Any number of answers, some with a body; what is completed must have been sent whole. */
function readAnswers(octets: Buffer, dice: Dice): void {
  const complete = completeBodies(octets);
  const withBody = dice.below(4);
  let answers = 0;
  let body: Buffer[] = [];
  let isBody = false;
  let pushed = 0;
  let handedOn = 0;
  const parser = new ResponseParser({
    responsesDue: () => 5,
    isMessage: () => false,
    onStatusLine: (line) => {
      handedOn += line.length;
      isBody = answers % 4 >= withBody && line.toString('latin1', 0, 3).toUpperCase() === '+OK';
      body = [];
      return isBody;
    },
    onBody: (slice) => {
      handedOn += slice.length;
      body.push(Buffer.from(slice));
    },
    onEnd: () => {
      answers += 1;
      if (isBody && !complete.has(createHash('sha256').update(Buffer.concat(body)).digest('hex'))) {
        throw new TypeError(
          `a body was completed that was never sent whole: ${Buffer.concat(body).toString('latin1')}`,
        );
      }
    },
  });
  for (const piece of cut(octets, dice)) {
    pushed += piece.length;
    parser.push(piece);
    if (parser.isInBody && pushed - handedOn > MAX_HELD_OCTETS) {
      throw new TypeError(`the parser holds ${pushed - handedOn} octets of a body`);
    }
  }
}

/** A body must be read the same however it is cut. */
function compareBody(octets: Buffer, dice: Dice): void {
  const lineEnding = dice.pick(['crlf', 'lf'] as const);
  const readAll = (pieces: readonly Buffer[]): string => {
    const reader = new BodyReader(lineEnding);
    let body = '';
    let passed = 0;
    for (const piece of pieces) {
      const end = reader.push(piece, 0, (slice) => {
        body += slice.toString('latin1');
      });
      if (end !== -1) {
        return `${passed + end} ${body}`;
      }
      passed += piece.length;
    }
    return `unfinished ${body}`;
  };
  const [whole, pieces] = [readAll([octets]), readAll(cut(octets, dice))];
  if (whole !== pieces) {
    throw new TypeError(`read whole: ${JSON.stringify(whole)}, in pieces: ${JSON.stringify(pieces)}`);
  }
}

function readLines(octets: Buffer, dice: Dice): void {
  for (const parse of [parseListLine, parseUidlLine]) {
    const reader = new LineReader('LIST', (line, start, end) => {
      const entry = parse(line, start, end);
      const size = 'octets' in entry ? entry.octets : 0;
      if (
        !Number.isSafeInteger(entry.number) ||
        entry.number < 1 ||
        !Number.isSafeInteger(size) ||
        size < 0
      ) {
        throw new TypeError(`a line was read as ${JSON.stringify(entry)}`);
      }
    });
    for (const piece of cut(octets, dice)) {
      reader.push(piece);
    }
    reader.end();
  }
}

function assertHarmless(text: string): void {
  if (/[^\x20-\x7e…]/.test(text)) {
    throw new TypeError(`what would steer a terminal got through: ${JSON.stringify(text)}`);
  }
}
