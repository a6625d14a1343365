import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { columnOf, parseAccountsCsv } from '../../src/job/accounts-csv.ts';

describe('a row', () => {
  test('becomes an account in the shape of an inline one, nested keys included', () => {
    const text =
      'id,host,port,user,password_env,tls_ca,tls_serverName\na,pop.example.net,995,alice,PW,ca.pem,pop.example.org\n';
    expect(parseAccountsCsv(text)).toEqual({
      faults: [],
      accounts: [
        {
          line: 2,
          data: {
            id: 'a',
            host: 'pop.example.net',
            port: 995,
            user: 'alice',
            password: { env: 'PW' },
            tls: { ca: 'ca.pem', serverName: 'pop.example.org' },
          },
        },
      ],
    });
  });

  test('leaves out what its cells leave empty', () => {
    expect(parseAccountsCsv('id,host,password,password_file\na,,,\n').accounts[0]?.data).toEqual({ id: 'a' });
  });

  test('keeps what quotes protect: delimiters, quotes, line ends, spaces', () => {
    const { accounts } = parseAccountsCsv('id,user,password\n"a,b","say ""hi"""," x\r\ny "\n');
    expect(accounts[0]?.data).toEqual({ id: 'a,b', user: 'say "hi"', password: ' x\r\ny ' });
  });

  test('keeps a port that is no number for the schema to refuse', () => {
    expect(parseAccountsCsv('id,port\na,9x5\nb,-1\n').accounts.map(({ data }) => data['port'])).toEqual([
      '9x5',
      '-1',
    ]);
  });

  test('of any texts comes back as it was written', () => {
    const cell = fc
      .string({ unit: 'binary', minLength: 1, maxLength: 50 })
      .filter((text) => text !== '\ufeff');
    const quote = (text: string) => `"${text.replaceAll('"', '""')}"`;
    fc.assert(
      fc.property(fc.array(fc.tuple(cell, cell), { minLength: 1, maxLength: 5 }), (rows) => {
        const text = ['id,user', ...rows.map((row) => row.map(quote).join(','))].join('\r\n');
        expect(parseAccountsCsv(text).accounts.map(({ data }) => [data['id'], data['user']])).toEqual(rows);
      }),
      { numRuns: 50 },
    );
  });
});

describe('a file', () => {
  test.each([
    ['LF', 'id,user\na,b\n'],
    ['CRLF', 'id,user\r\na,b\r\n'],
    ['CR', 'id,user\ra,b\r'],
    ['mixed line ends', 'id,user\r\na,b\n'],
    ['no line end at its end', 'id,user\na,b'],
    ['a byte order mark', '\ufeffid,user\na,b\n'],
    ['semicolons', 'id;user\na;b\n'],
    ['tabs', 'id\tuser\na\tb\n'],
    ['quoted names', '"id","user"\n"a","b"\n'],
  ])('with %s is read', (_what, text) => {
    expect(parseAccountsCsv(text)).toEqual({
      faults: [],
      accounts: [{ line: 2, data: { id: 'a', user: 'b' } }],
    });
  });

  test.each(['\n', '\r\n', '\r'])(
    'with blank lines and quoted line ends (%j) keeps count of its lines',
    (end) => {
      const lines = [
        '',
        'id,user',
        '',
        'a,1',
        '',
        '',
        `"b${end}b",2`,
        'c,3',
        `"d${end}${end}d","4${end}"`,
        '',
        'e,5',
      ];
      const { accounts } = parseAccountsCsv(lines.join(end));
      expect(accounts.map(({ line, data }) => [line, data['user']])).toEqual([
        [4, '1'],
        [7, '2'],
        [9, '3'],
        [10, `4${end}`],
        [15, '5'],
      ]);
    },
  );

  test.each([
    ['is empty', '', 1, 'the file is empty; expected a first row with some of id, host'],
    ['holds a header only', 'id,user\n', 1, 'no account follows the header'],
    ['has an unknown column', 'id,pasword\na,b\n', 1, 'unknown column "pasword"; did you mean "password"?'],
    ['has no header', 'alice,secret\n', 1, 'unknown column "alice"; expected a first row with'],
    ['has spaces in its header', 'id, user\na,b\n', 1, 'unknown column " user"; did you mean "user"?'],
    ['has a column twice', 'id,user,id\na,b,c\n', 1, 'this column is there twice'],
    [
      'has a row with a cell too many',
      'id,user\na,b\nc,d,e\n',
      3,
      'expected 2 cells, as in the first row; came 3',
    ],
    [
      'has a row with a cell too few',
      'id,user\na,b\n\nc\n',
      4,
      'expected 2 cells, as in the first row; came 1',
    ],
    ['has two passwords in a row', 'id,password,password_env\na,x,Y\n', 2, 'came password and password_env'],
    ['opens a quote in a cell', 'id,user\na,b"c\n', 2, 'a quote in the middle of a cell'],
    ['goes on after a quote', 'id,user\na,"b"c\n', 2, 'something follows a closing quote'],
    ['has a row without end', `id,user\n"${'x'.repeat(70_000)}`, 2, 'more than 65536 octets'],
  ])('that %s is refused with the line', (_what, text, line, expected) => {
    expect(parseAccountsCsv(text).faults[0]).toMatchObject({ line, text: expect.stringContaining(expected) });
  });

  test('whose quote is never closed is refused', () => {
    expect(parseAccountsCsv('id,user\na,"b\n').faults[0]?.text).toContain('never closed');
  });

  test('with faults never shows a cell, which may be a password', () => {
    for (const text of [
      'id,password\na,hunter2"x\n',
      'id,password\na,"hunter2"hunter2\n',
      'id,password\na,"hunter2\n',
    ]) {
      const { faults } = parseAccountsCsv(text);
      expect(faults).toHaveLength(1);
      expect(JSON.stringify(faults)).not.toContain('hunter2');
    }
  });

  test('keeps the rows that are right beside those that are not', () => {
    const { accounts, faults } = parseAccountsCsv('id,user\na,b\nc\nd,e\n');
    expect(accounts.map(({ data }) => data['id'])).toEqual(['a', 'd']);
    expect(faults).toHaveLength(1);
  });

  test('may have ten thousand rows', () => {
    const rows = Array.from({ length: 10_000 }, (_, index) => `a${index},u${index}`).join('\n');
    const { accounts } = parseAccountsCsv(`id,user\n${rows}\n`);
    expect(accounts).toHaveLength(10_000);
    expect(accounts.at(-1)).toEqual({ line: 10_001, data: { id: 'a9999', user: 'u9999' } });
  });
});

test('a problem of a nested key names the column', () => {
  expect(columnOf(['password', 'env'])).toBe('password_env');
  expect(columnOf(['port'])).toBe('port');
  expect(columnOf([])).toBe('');
});
