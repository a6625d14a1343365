import { expect, test } from 'vitest';
import { createPaint, decideBars, decideColour } from '../../src/report/colour.ts';

const TERMINAL = { isTTY: true };
const PIPE = {};

test.each([
  [TERMINAL, {}, true],
  [PIPE, {}, false],
  [TERMINAL, { NO_COLOR: '1' }, false],
  [TERMINAL, { NO_COLOR: '' }, true],
  [TERMINAL, { TERM: 'dumb' }, false],
  [PIPE, { FORCE_COLOR: '1' }, true],
  [PIPE, { FORCE_COLOR: '' }, true],
  [TERMINAL, { FORCE_COLOR: '0' }, false],
  [PIPE, { FORCE_COLOR: '1', NO_COLOR: '1' }, true],
])('%j with %j has colours: %s', (stream, env, expected) => {
  expect(decideColour(stream, env)).toBe(expected);
});

test('bars need a terminal that can move its cursor, colours or not', () => {
  expect(decideBars(TERMINAL, { NO_COLOR: '1' })).toBe(true);
  expect(decideBars(TERMINAL, { TERM: 'dumb' })).toBe(false);
  expect(decideBars(PIPE, { FORCE_COLOR: '1' })).toBe(false);
});

test('paint is invisible where there is no colour', () => {
  expect(createPaint(false)('red', 'x')).toBe('x');
  expect(createPaint(true)('red', 'x')).toBe('\u001b[31mx\u001b[39m');
});
