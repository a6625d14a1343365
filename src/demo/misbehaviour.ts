/**
 * The catalogue of what a server of the field does wrong, each as a value that a test gives to `DemoServer.start` or, at run
 * time, to `server.misbehaviour.on`. All are made of the few kinds at the end of the file; a new quirk is a few lines here and
 * none in the session. It must not know sessions or sockets.
 */
import { type Answer, type Delivery, type Ending, err, octetsOf, ok, type WireForm } from './answer.ts';
import type { Chunks } from './dot-stuffing.ts';
import type { Misbehaviour, Occasion } from './misbehaviour-switch.ts';

/** Which commands are struck; what is left out does not matter. */
export interface When {
  /** Verbs in capitals; `GREETING` is the greeting, `AUTH-RESPONSE` the line after `AUTH PLAIN`. */
  readonly verb?: string | readonly string[];
  /** The first argument as a number: the 3 of `RETR 3` and `TOP 3 0`. */
  readonly message?: number;
  /** The user who has logged in. */
  readonly user?: string;
  /** Lets the first so many pass. */
  readonly skip?: number;
  /** Strikes so many times and then no more. */
  readonly times?: number;
}

const MESSAGES: When = { verb: ['RETR', 'TOP'] };

// Refusals: the command is not carried out.

/** Answers `-ERR`, or any other line, and does not carry the command out. */
export const refused = (when: When, line = '-ERR refused'): Misbehaviour =>
  instead(`${named(when)} is answered ${line}`, when, () => ({ status: line }));

/** RETR of one message fails (Exchange on a message it cannot convert). */
export const retrRefused = (message: number, line = '-ERR cannot convert this message'): Misbehaviour =>
  refused({ verb: 'RETR', message }, line);

/** The maildrop is locked, so many logins long (RFC 2449 §8.1.2). */
export const inUse = (times?: number): Misbehaviour =>
  loginRefused('-ERR [IN-USE] the maildrop is locked', times);

/** The last login was too recent, so many logins long (RFC 2449 §8.1.1). */
export const loginDelay = (times?: number): Misbehaviour =>
  loginRefused('-ERR [LOGIN-DELAY] wait before you log in again', times);

/** A failure that passes by itself, so many logins long (RFC 3206 §4). */
export const sysTemp = (times?: number): Misbehaviour =>
  loginRefused('-ERR [SYS/TEMP] try again later', times);

/** A failure that somebody must mend (RFC 3206 §4). */
export const sysPerm = (times?: number): Misbehaviour =>
  loginRefused('-ERR [SYS/PERM] call the operator', times);

/** Whatever way the client logs in, it is answered with this line and is not logged in. */
export function loginRefused(line: string, times?: number): Misbehaviour {
  return {
    name: `login is answered ${line}`,
    strikes: isLogin,
    times,
    instead: () => ({ status: line }),
  };
}

/** DELE is answered `+OK`, and the message is still there next time (Gmail by a setting). */
export const deleIgnored = (when: When = {}): Misbehaviour =>
  instead('DELE does nothing', { ...when, verb: 'DELE' }, () => ok('marked as deleted'));

/** QUIT is answered `-ERR` and nothing was removed (RFC 1939 §6: "some deleted messages not removed"). */
export const quitRefused = (line = '-ERR [SYS/TEMP] some deleted messages not removed'): Misbehaviour =>
  instead('QUIT is refused', { verb: 'QUIT' }, () => ({ status: line, next: 'close' }));

/** QUIT is never answered: the connection ends first. `isCommitted`: the deletions were done nevertheless. */
export function quitUnanswered(facts: {
  readonly isCommitted: boolean;
  readonly ending?: Ending;
}): Misbehaviour {
  const delivery: Delivery = { stopAfterOctets: 0, ending: facts.ending ?? 'fin' };
  const name = `QUIT is not answered, ${facts.isCommitted ? 'but done' : 'nor done'}`;
  return facts.isCommitted
    ? delivered(name, { verb: 'QUIT' }, delivery)
    : instead(name, { verb: 'QUIT' }, () => ok('', { delivery }));
}

/** QUIT is answered, and the connection stays open (GMX). */
export const quitLeavesOpen = (): Misbehaviour =>
  delivered('QUIT does not close', { verb: 'QUIT' }, { ending: 'silence' });

// Greeting and capabilities.

/** Another greeting: `-ERR …`, `+ POP2 …`, `220 smtp ready`, octets of any kind. The session goes on unless the line is `-ERR`. */
export const greeting = (line: string): Misbehaviour =>
  instead(`the greeting is ${JSON.stringify(line)}`, { verb: 'GREETING' }, () =>
    line.startsWith('-ERR') ? { status: line, next: 'close' } : { status: line },
  );

/** CAPA is not known (RFC 2449 came after RFC 1939). */
export const noCapa = (): Misbehaviour => refused({ verb: 'CAPA' }, '-ERR unknown command');

/** CAPA does not list this capability, by its first word; the commands work all the same: `withoutCapability('PIPELINING')`. */
export const withoutCapability = (name: string): Misbehaviour =>
  lines(`CAPA does not list ${name}`, { verb: 'CAPA' }, (line) =>
    line.split(' ')[0] === name ? undefined : line,
  );

/** CAPA lists one more line, true or not: `announced('LOGIN-DELAY 300')`, `announced('EXPIRE 0')`. */
export const announced = (line: string): Misbehaviour =>
  changed(`CAPA lists ${line}`, { verb: 'CAPA' }, (answer) =>
    answer.lines === undefined ? answer : { ...answer, lines: [...answer.lines, line] },
  );

/** There is no UIDL. `isAnnounced`: CAPA lists it all the same, so the failure looks temporary. */
export function noUidl({ isAnnounced = false } = {}): Misbehaviour {
  const hidden = withoutCapability('UIDL');
  return {
    name: `no UIDL${isAnnounced ? ', though announced' : ''}`,
    strikes: onlyWhen({ verb: ['UIDL', 'CAPA'] }),
    instead: ({ command }) => (command.verb === 'UIDL' ? err('unknown command') : undefined),
    change: (answer, occasion) =>
      occasion.command.verb === 'CAPA' && !isAnnounced
        ? (hidden.change?.(answer, occasion) ?? answer)
        : answer,
  };
}

// Listings. `edit` is given each line of the whole listing; LIST and UIDL of one message are left alone.

/** Each line of a listing is replaced, or left out where `edit` gives undefined. */
export const listingEdited = (
  verb: 'LIST' | 'UIDL',
  edit: (line: string, message: number) => string | undefined,
): Misbehaviour => lines(`${verb} is edited`, { verb }, (line) => edit(line, Number.parseInt(line, 10)));

/** One line of a listing is replaced as it is: `malformedLine('UIDL', 2, '2')`. */
export const malformedLine = (verb: 'LIST' | 'UIDL', message: number, text: string): Misbehaviour =>
  listingEdited(verb, (line, number) => (number === message ? text : line));

/** LIST gives other sizes: `wrongSizes((octets) => octets / 2)`. */
export const wrongSizes = (edit: (octets: number, message: number) => number | string): Misbehaviour =>
  listingEdited('LIST', (line, message) => `${message} ${edit(Number(line.split(' ')[1]), message)}`);

/** UIDL gives other unique-ids, octets by latin1. */
export const uidls = (edit: (uidl: string, message: number) => string): Misbehaviour =>
  listingEdited('UIDL', (line, message) => `${message} ${edit(line.slice(line.indexOf(' ') + 1), message)}`);

/** All messages, or those named, have one unique-id. */
export const duplicateUidls = (messages?: readonly number[]): Misbehaviour =>
  uidls((uidl, message) => (messages === undefined || messages.includes(message) ? 'same-for-all' : uidl));

/** The unique-ids are empty: `2` and a space. */
export const emptyUidls = (messages?: readonly number[]): Misbehaviour =>
  uidls((uidl, message) => (messages === undefined || messages.includes(message) ? '' : uidl));

/** The unique-ids are longer than the 70 octets of RFC 1939 §7; they still differ, in their last octets. */
export const longUidls = (octets: number): Misbehaviour => uidls((uidl) => uidl.padStart(octets, 'x'));

/** A listing comes last message first. */
export const reversed = (verb: 'LIST' | 'UIDL'): Misbehaviour =>
  changed(`${verb} is reversed`, { verb }, (answer) =>
    answer.lines === undefined ? answer : { ...answer, lines: [...answer.lines].reverse() },
  );

/** A listing, or CAPA, that never ends. */
export const endlessListing = (verb: string, line: (index: number) => string): Misbehaviour =>
  changed(`${verb} never ends`, { verb }, (answer) => ({ ...answer, lines: counted(line) }));

/** STAT says this, whatever LIST says: `statSays('3 -1972428639')`. */
export const statSays = (text: string): Misbehaviour => statusSays({ verb: 'STAT' }, `+OK ${text}`);

// The form of an answer. The command is carried out.

/** Another first line; the rest of the answer stays. */
export const statusSays = (when: When, line: string): Misbehaviour =>
  changed(`${named(when)} is answered ${line}`, when, (answer) => ({ ...answer, status: line }));

/** Dots are not stuffed (mailpit, greenmail's TOP): `.hidden` comes as it is, a lone dot ends the message early. */
export const unstuffedDots = (when: When = MESSAGES): Misbehaviour =>
  inForm('dots are not stuffed', when, { isStuffed: false });

/** Every line ends with LF alone, status line and terminator too. */
export const lfOnly = (when: When = {}): Misbehaviour => inForm('lines end with LF', when, { lineEnd: 'lf' });

/** The terminator never comes; the session goes on as if it had. */
export const noTerminator = (when: When = MESSAGES): Misbehaviour =>
  inForm('no terminator', when, { terminator: '' });

/** The last line of a message gets no CRLF, so that the dot is glued to it (Exchange 2000). */
export const gluedTerminator = (when: When = MESSAGES): Misbehaviour =>
  inForm('the terminator is glued to the last line', when, { closesLastLine: false });

/** A status line that never ends. */
export const endlessLine = (when: When): Misbehaviour =>
  changed(`${named(when)} is answered by an endless line`, when, (answer) => ({ ...answer, raw: endless() }));

/** Octets in the same write behind the answer: a stray `+OK`, or, behind STLS, what an attacker injects (CVE-2021-22947). */
export const trailed = (when: When, octets: string): Misbehaviour =>
  changed(`${named(when)} is followed by ${JSON.stringify(octets)}`, when, (answer) => ({
    ...answer,
    trailing: Buffer.from(octets, 'latin1'),
  }));

/** Clear text behind the `+OK` of STLS, in the same packet (RFC 2595 §4). */
export const injectedAfterStls = (octets = '+OK injected\r\n'): Misbehaviour =>
  trailed({ verb: 'STLS' }, octets);

/** Any other octets in place of the answer's. */
export const octetsChanged = (when: When, edit: (octets: Chunks) => Chunks): Misbehaviour =>
  changed(`${named(when)} has other octets`, when, (answer) => ({ ...answer, raw: edit(octetsOf(answer)) }));

/** The command is carried out and not answered; the session goes on. */
export const unanswered = (when: When): Misbehaviour => octetsChanged(when, () => []);

// The delivery of an answer. The command is carried out.

/** Stops after so many octets of the answer (its status line included; negative: counted from its end), then ends so. */
export const stoppedAfter = (when: When, octets: number, ending: Ending): Misbehaviour =>
  delivered(`${named(when)} stops after ${octets} octets: ${ending}`, when, {
    stopAfterOctets: octets,
    ending,
  });

/** Everything but the terminator, the last CRLF included, then the end. */
export const stoppedBeforeTerminator = (when: When, ending: Ending = 'fin'): Misbehaviour =>
  stoppedAfter(when, -'.\r\n'.length, ending);

/** The whole answer, then the end (hMailServer's DisconnectAfterRetr). */
export const endedAfter = (when: When, ending: Ending = 'fin'): Misbehaviour =>
  delivered(`${named(when)} is followed by ${ending}`, when, { ending });

/** Not one octet of an answer, ever: the greeting, a command, a message. Input is swallowed until the client goes. */
export const silent = (when: When): Misbehaviour => stoppedAfter(when, 0, 'silence');

/** The first octet of the answer comes late. */
export const slowFirstOctet = (when: When, firstPauseMs: number): Misbehaviour =>
  delivered(`${named(when)} is slow to begin`, when, { firstPauseMs });

/** The answer comes in drops. */
export const dripped = (when: When, pieceOctets: number, pauseMs: number): Misbehaviour =>
  delivered(`${named(when)} drips`, when, { pieceOctets, pauseMs });

/** Each write has so many octets: 1 tries every cut there is. */
export const inPieces = (pieceOctets: number, when: When = {}): Misbehaviour =>
  delivered(`${named(when)} comes in pieces of ${pieceOctets}`, when, { pieceOctets });

// Pipelining that does not work though it is announced (RFC 2449 §6.6).

/** Commands that were sent ahead of an answer are lost without an answer. */
export const pipelinedLost = (): Misbehaviour => ({
  ...unanswered({}),
  name: 'pipelined commands are lost',
  strikes: isPipelined,
});

/** The connection ends at the first command that was sent ahead (o2.pl). */
export const pipeliningEnds = (ending: Ending = 'fin'): Misbehaviour => ({
  ...stoppedAfter({}, 0, ending),
  name: 'pipelining ends the connection',
  strikes: isPipelined,
});

// The kinds all of the above are made of.

function instead(name: string, when: When, answer: () => Answer): Misbehaviour {
  return { name, strikes: onlyWhen(when), skip: when.skip, times: when.times, instead: answer };
}

function changed(name: string, when: When, change: (answer: Answer) => Answer): Misbehaviour {
  return { name, strikes: onlyWhen(when), skip: when.skip, times: when.times, change };
}

function inForm(name: string, when: When, form: Partial<WireForm>): Misbehaviour {
  return changed(name, when, (answer) => ({ ...answer, form: { ...answer.form, ...form } }));
}

function delivered(name: string, when: When, delivery: Delivery): Misbehaviour {
  return changed(name, when, (answer) => ({ ...answer, delivery: { ...answer.delivery, ...delivery } }));
}

function lines(name: string, when: When, edit: (line: string) => string | undefined): Misbehaviour {
  return changed(name, when, (answer) =>
    answer.lines === undefined ? answer : { ...answer, lines: edited(answer.lines, edit) },
  );
}

function* edited(all: Iterable<string>, edit: (line: string) => string | undefined): Generator<string> {
  for (const line of all) {
    const other = edit(line);
    if (other !== undefined) {
      yield other;
    }
  }
}

function* counted(line: (index: number) => string): Generator<string> {
  for (let index = 0; ; index += 1) {
    yield line(index);
  }
}

function* endless(): Generator<Buffer> {
  const octets = Buffer.alloc(16_384, 'x');
  yield Buffer.from('+OK ');
  for (;;) {
    yield octets;
  }
}

function onlyWhen(when: When): (occasion: Occasion) => boolean {
  const verbs = when.verb === undefined ? undefined : [when.verb].flat();
  return ({ command, user }) =>
    (verbs === undefined || verbs.includes(command.verb)) &&
    (when.message === undefined || Number.parseInt(command.argument, 10) === when.message) &&
    (when.user === undefined || user === when.user);
}

/** The command whose answer says whether the client is in. `AUTH PLAIN` without an initial response is not yet it. */
function isLogin({ command }: Occasion): boolean {
  return command.verb === 'AUTH'
    ? command.argument.includes(' ')
    : ['PASS', 'APOP', 'AUTH-RESPONSE'].includes(command.verb);
}

const isPipelined = (occasion: Occasion): boolean => occasion.isPipelined;

function named({ verb, message }: When): string {
  const verbs = verb === undefined ? 'every command' : [verb].flat().join('/');
  return message === undefined ? verbs : `${verbs} ${message}`;
}
