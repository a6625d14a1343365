/**
 * Octets of messages that are hard on whoever stores or reads them. Each is whole: what a server might send after
 * un-stuffing.
 */
export interface NastyMessage {
  readonly name: string;
  readonly octets: Buffer;
}

const HEADER = 'From: Alice <alice@example.org>\r\nDate: Fri, 21 Nov 1997 09:55:06 -0600\r\nSubject: x\r\n';

const TEXTS: Readonly<Record<string, string>> = {
  'an ordinary message': `${HEADER}\r\nHello.\r\n`,
  'no octets at all': '',
  'a lone line end': '\r\n',
  'a lone LF': '\n',
  'a lone CR': '\r',
  'CR CR LF': 'a\r\r\nb\r\r\n',
  'no final line end': `${HEADER}\r\nno end`,
  'a CR as its last octet': `${HEADER}\r\nends in CR\r`,
  'a bare CR amid a line': `${HEADER}\r\none\rtwo\r\n`,
  'a bare LF amid CRLF': `${HEADER}\r\none\ntwo\r\n`,
  'LF only': 'Subject: x\n\none\ntwo\n',
  'LF only, no end': 'Subject: x\n\none\ntwo',
  'NUL octets': `${HEADER}\r\n\0a\0\r\n\0`,
  'NUL in the header': 'Subject: \0x\0\r\n\r\nbody\r\n',
  'every octet': `${HEADER}\r\n${String.fromCharCode(...Array(256).keys())}\r\n`,
  'no header': '\r\nbody alone\r\n',
  'no empty line': HEADER,
  'many empty lines at the end': `${HEADER}\r\nbody\r\n\r\n\r\n\r\n`,
  'lone dots': `${HEADER}\r\n.\r\n..\r\n.x\r\n`,
  'From_ as its first octets': 'From alice Thu Jan  1 00:00:00 1970\r\nSubject: x\r\n\r\nbody\r\n',
  'From_ lines': `${HEADER}\r\nFrom a\r\n>From b\r\n>>>From c\r\n From d\r\n> From e\r\nFrom\r\nFromage\r\n`,
  'From_ behind a bare LF': `${HEADER}\r\none\nFrom a\n>From b\r\nFrom c\r\n`,
  'From_ behind a bare CR': `${HEADER}\r\none\rFrom a\r\rFrom b\r\n`,
  'From_ as its last octets': `${HEADER}\r\nbody\r\nFrom `,
  'quotes as its last octets': `${HEADER}\r\nbody\r\n>>>>`,
  'separator look-alikes': `${HEADER}\r\nx\r\n\r\nFrom bob@example.org Thu Jan  1 00:00:00 1970\r\n\r\nSubject: y\r\n`,
  'only line ends': '\r\n'.repeat(50),
  'bad UTF-8': `${HEADER}\r\n\xff\xfe\xc3(\x80\r\n`,
};

/** All of them, small first; the last few have some hundred KB. */
export function nastyMessages(): readonly NastyMessage[] {
  const small = Object.entries(TEXTS).map(([name, text]) => ({ name, octets: Buffer.from(text, 'latin1') }));
  return [...small, ...largeMessages()];
}

function largeMessages(): NastyMessage[] {
  return [
    { name: 'a header line of 1 MB', octets: Buffer.from(`X: ${'a'.repeat(1_000_000)}\r\n\r\nbody\r\n`) },
    { name: 'a header over 1 MiB', octets: Buffer.from(`${'X: abcdef\r\n'.repeat(110_000)}\r\nbody\r\n`) },
    { name: 'a body line of 500 KB', octets: Buffer.from(`${HEADER}\r\n${'x'.repeat(500_000)}\r\n`) },
    {
      name: 'lines that need quoting, by the thousand',
      octets: Buffer.from(`${HEADER}\r\n${'From >From \r\n'.repeat(30_000)}`),
    },
    {
      name: 'a run of > by the thousand',
      octets: Buffer.from(`${HEADER}\r\n${'>'.repeat(300_000)}From x\r\n`),
    },
    { name: 'lone LFs by the thousand', octets: Buffer.from('\n'.repeat(300_000)) },
  ];
}

/** How a corpus file goes over the wire: its LFs become CRLF, unless it has CRLF already. */
export function wireForm(octets: Buffer): Buffer {
  const text = octets.toString('latin1');
  return text.includes('\r\n') ? octets : Buffer.from(text.replaceAll('\n', '\r\n'), 'latin1');
}
