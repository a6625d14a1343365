import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createPaint } from '../../src/report/colour.ts';
import { displayWidth } from '../../src/report/format.ts';
import { type Column, renderTable } from '../../src/report/table.ts';

const COLUMNS: readonly Column[] = [
  { title: 'name', isFlexible: true },
  { title: 'count', align: 'right' },
  { title: 'state' },
];

test('columns are aligned by the width that is seen, not by characters', () => {
  expect(
    renderTable(COLUMNS, [
      ['日本', '1'],
      ['bob@example.net', '1,200', 'done'],
      'rule',
      ['2 in all', '1,201'],
    ]),
  ).toEqual([
    'name             count  state',
    '日本                 1',
    'bob@example.net  1,200  done',
    '-----------------------------',
    '2 in all         1,201',
  ]);
});

test('a flexible column gives way to the screen, the numbers stay whole', () => {
  expect(renderTable(COLUMNS, [['a-very-long-account@example.net', '1,200', 'done']], { width: 26 })).toEqual(
    ['name          count  state', 'a-very-long…  1,200  done'],
  );
});

test('without a width nothing is cut', () => {
  const name = 'x'.repeat(300);
  expect(renderTable(COLUMNS, [[name]])[1]).toBe(name);
});

test('a cell with an escape sequence shows it instead of obeying it', () => {
  expect(renderTable(COLUMNS, [['\u001b[31mred\nline', { text: '\u0007', style: 'red' }]])[1]).toBe(
    '\\x1b[31mred\\nline   \\x07',
  );
});

test('colours do not move a column', () => {
  const rows = [['a', { text: '1', style: 'red' as const }, 'x']];
  const painted = renderTable(COLUMNS, rows, { paint: createPaint(true) });
  // biome-ignore lint/suspicious/noControlCharactersInRegex: colours are made of them
  expect(painted.map((line) => line.replace(/\x1b\[\d+m/g, ''))).toEqual(renderTable(COLUMNS, rows));
});

test('no row is wider than the screen while the flexible column can give', () => {
  fc.assert(
    fc.property(
      fc.array(fc.string({ unit: 'binary', maxLength: 50 })),
      fc.integer({ min: 30, max: 90 }),
      (names, width) => {
        for (const line of renderTable(
          COLUMNS,
          names.map((name) => [name, '1']),
          { width },
        )) {
          expect(displayWidth(line)).toBeLessThanOrEqual(width);
        }
      },
    ),
  );
});
