/** Every quirk and every duty has a test that names it, or a reason; docs/servers.md shows which. `npx vitest run test/catalogue -u` writes it. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { numbersIn } from '../replay/numbers.ts';
import { collectCoverage, titlesIn } from './collect.ts';
import { EXCEPTIONS } from './exceptions.ts';
import { SECTIONS, withSections } from './table.ts';

const DOCUMENT = join(import.meta.dirname, '..', '..', 'docs', 'servers.md');
const coverage = collectCoverage();
const known = SECTIONS.flatMap(({ kind, rows }) => Object.keys(rows).map((number) => `${kind}${number}`));

describe('quirks and duties', () => {
  it('are 65 and 82, without a gap', () => {
    expect(SECTIONS.map(({ rows }) => Object.keys(rows).map(Number))).toEqual(
      [65, 82].map((last) => Array.from({ length: last }, (_, i) => i + 1)),
    );
  });

  it('have each a test that names them, or else a reason', () => {
    expect(known.filter((name) => !coverage.has(name) && EXCEPTIONS[name] === undefined)).toEqual([]);
  });

  it('have no reason to lack a test where they have one', () => {
    expect(Object.keys(EXCEPTIONS).filter((name) => coverage.has(name) || !known.includes(name))).toEqual([]);
  });

  it('are known where a test names them', () => {
    expect([...coverage.keys()].filter((name) => !known.includes(name))).toEqual([]);
  });

  it('stand in docs/servers.md with the tests that there are', async () => {
    const written = withSections(readFileSync(DOCUMENT, 'utf8'), coverage);
    await expect(written, 'write it anew: npx vitest run test/catalogue -u').toMatchFileSnapshot(DOCUMENT);
  });
});

describe('what counts as named', () => {
  const quirk = (n: number) => `Q${n}`;

  it('is every number of a title, lists and ranges included', () => {
    const title = `${quirk(3)}, RFC-${4}: here (${quirk(8)}–${quirk(10)}), not RFC 1939 nor RFC-1939 nor ${quirk(100)}`;
    expect(numbersIn(title)).toEqual(['Q3', 'RFC-4', 'Q8', 'Q9', 'Q10']);
  });

  it('is a title in any way that a test is written, unless it is skipped', () => {
    const source = [
      "describe('a', () => { it('b', () => {}); });",
      "it.each([['x']])(\n'c %s', () => {});",
      `it.skipIf(true)(\`d \${'x'} e\`, () => {});`,
      "it.skip('f', () => {}); it.todo('g'); other('h');",
      "it.each([['RFC-7, RFC-8', 'RFC-9 in words', 1]])('%s: h', () => {});",
    ].join('\n');
    expect(titlesIn(source)).toEqual(['a', 'b', 'c %s', 'd … e', '%s: h', 'RFC-7, RFC-8']);
  });
});
