/** Writes the sections "Quirks" and "Duties" of docs/servers.md, between their markers; what else stands there is left alone. */
import type { Coverage } from './collect.ts';
import { DUTIES } from './duties.ts';
import { EXCEPTIONS } from './exceptions.ts';
import { QUIRKS } from './quirks.ts';

export interface Section {
  readonly name: 'quirks' | 'duties';
  /** Before the number: `Q` or `RFC-`. */
  readonly kind: string;
  readonly rows: Readonly<Record<number, string>>;
}

export const SECTIONS: readonly Section[] = [
  { name: 'quirks', kind: 'Q', rows: QUIRKS },
  { name: 'duties', kind: 'RFC-', rows: DUTIES },
];

/** @throws Error where a marker is missing. */
export function withSections(document: string, coverage: Coverage): string {
  return SECTIONS.reduce((text, section) => {
    const begin = `<!-- begin ${section.name}: generated, see test/catalogue -->\n`;
    const end = `<!-- end ${section.name} -->\n`;
    const from = text.indexOf(begin);
    const to = text.indexOf(end, from);
    if (from === -1 || to === -1) {
      throw new Error(`docs/servers.md has no lines ${begin.trim()} and ${end.trim()}`);
    }
    return `${text.slice(0, from)}${begin}${tableOf(section, coverage)}${text.slice(to)}`;
  }, document);
}

function tableOf({ kind, rows }: Section, coverage: Coverage): string {
  const all = Object.entries(rows);
  const covered = all.filter(([number]) => coverage.has(`${kind}${number}`)).length;
  const replayed = all.filter(([number]) =>
    coverage.get(`${kind}${number}`)?.some((file) => file.startsWith('replay/')),
  ).length;
  const lines = all.map(([number, text]) => {
    const name = `${kind}${number}`;
    const tests = coverage.get(name)?.map((file) => `\`${file.replace(/(\.test)?\.\w+$/, '')}\``);
    return `| ${name} | ${text} | ${tests?.join(', ') ?? `none: ${EXCEPTIONS[name] ?? 'no reason given'}`} |`;
  });
  const head = `\n${covered} of ${all.length} have a test, ${replayed} of them a replayed session; the others need several sessions, a clock, a sink or TLS.\n\n| | what | tests |\n| --- | --- | --- |\n`;
  return `${head}${lines.join('\n')}\n\n`;
}
