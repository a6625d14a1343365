/**
 * Messages of our own that are legal or illegal in ways that break archivers, beside the corpus. As a server keeps them: the
 * last line need not be finished.
 */
const HEAD = 'From: a@example.org\r\nSubject: nasty\r\n\r\n';

export interface NastyMessage {
  readonly name: string;
  readonly octets: Buffer;
}

const nasty = (name: string, text: string): NastyMessage => ({ name, octets: Buffer.from(text, 'latin1') });

export const NASTY_MESSAGES: readonly NastyMessage[] = [
  nasty('NUL', `${HEAD}a\0b\r\n\0\r\n`),
  nasty('every octet', `${HEAD}${String.fromCharCode(...Array(256).keys())}\r\n`),
  nasty('a bare CR', `${HEAD}one\rtwo\r\r\nthree\r\n`),
  nasty('a bare LF', `${HEAD}one\ntwo\r\nthree\r\n`),
  nasty('a bare LF at the very end', `${HEAD}one\r\ntwo\n`),
  nasty('a bare CR at the very end', `${HEAD}one\r\ntwo\r`),
  nasty('bare LF alone', `${HEAD.replaceAll('\r\n', '\n')}one\ntwo\n`),
  nasty('a lone dot', `${HEAD}.\r\n`),
  nasty('dots in every way', `${HEAD}.\r\n..\r\n...\r\n.a\r\n..a\r\n.\r\n.`),
  nasty('a dot behind a bare LF', `${HEAD}one\n.\ntwo\n.\r\nthree\r\n`),
  nasty('a dot behind a bare CR', `${HEAD}one\r.\r\rtwo\r.\r\nthree\r\n`),
  nasty('a dot first', '.\r\n'),
  nasty('no header', '\r\njust a body\r\n'),
  nasty('no header and no blank line', 'just one line\r\n'),
  nasty('header alone', 'Subject: x\r\n'),
  nasty('header without its end', 'Subject: x'),
  nasty('empty', ''),
  nasty('one line end', '\r\n'),
  nasty('no final newline', `${HEAD}the end`),
  nasty('blank lines at the end', `${HEAD}one\r\n\r\n\r\n\r\n`),
  nasty('From_ first', `From a@b Thu Jan  1 00:00:00 1970\r\n${HEAD}one\r\n`),
  nasty(
    'From_ lines',
    `${HEAD}From here\r\n>From there\r\n>>From everywhere\r\n From x\r\nFrom\r\n\r\nFrom a@b\r\n`,
  ),
  nasty('From_ behind bare line ends', `${HEAD}one\nFrom two\rFrom three\r\n>From four\n>From five\r\n`),
  nasty(
    'From_ lines like separators',
    `${HEAD}\r\nFrom a@b Thu Jan  1 00:00:00 1970\r\nSubject: not me\r\n\r\nx\r\n`,
  ),
  nasty('a header line of 1 MB', `X-Long: ${'x'.repeat(1_000_000)}\r\n${HEAD}one\r\n`),
  nasty('a body line of 1 MB', `${HEAD}${'y'.repeat(1_000_000)}\r\n`),
  nasty('a header of 1 MB', `${'X-Many: 0123456789abcdef\r\n'.repeat(40_000)}${HEAD}one\r\n`),
  nasty('3 MB of dots, through the spool', `${HEAD}${'.\r\n'.repeat(1_000_000)}`),
  nasty('3 MB of From_ lines, through the spool', `${HEAD}${'From x\r\n'.repeat(400_000)}`),
  nasty('3 MB of bare LF, through the spool', `${HEAD}${'a\n'.repeat(1_500_000)}`),
  nasty(
    'fields that would lie to a reader',
    `Content-Length: 1\r\nLines: 1\r\nStatus: RO\r\nX-UID: 7\r\n${HEAD}one\r\n`,
  ),
  nasty(
    '8-bit header and dates of nonsense',
    'Date: Sat, 99 Foo 99999 99:99:99 +9999\r\nSubject: \xe4\xff\xfe\r\n\r\n\x80\r\n',
  ),
  nasty('equal to the next', `${HEAD}twin\r\n`),
  nasty('equal to the one before', `${HEAD}twin\r\n`),
];
