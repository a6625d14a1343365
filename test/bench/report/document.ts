/** The generated part of docs/performance.md; what stands around it is written by hand. Pure. */
import type { Results } from '../result.ts';
import { scaleSection } from './scale-section.ts';
import { scenarioSection } from './scenario-section.ts';
import { targetTable } from './target-table.ts';

export const BEGIN = '<!-- npm run bench: begin -->';
export const END = '<!-- npm run bench: end -->';

export interface Plot {
  /** File name beside the document. */
  readonly name: string;
  /** For those who do not see it. */
  readonly title: string;
  readonly svg: string;
}

/** All results as Markdown. */
export function resultsText(results: Results, plots: readonly Plot[] = []): string {
  const targets = targetTable(results.scenarios);
  const parts = [
    results.facts.map((fact) => `- ${fact}`).join('\n'),
    ...(targets === undefined ? [] : [`### To reach\n\n${targets}`]),
    ...plots.map(({ name, title }) => `![${title}](${name})`),
    ...results.scenarios.map(scenarioSection),
    ...results.scales.map(scaleSection),
  ];
  return parts.join('\n\n');
}

/** Puts `text` between the markers. Throws where the document has none. */
export function withGenerated(document: string, text: string): string {
  const begin = document.indexOf(BEGIN);
  const end = document.indexOf(END);
  if (begin === -1 || end < begin) throw new Error(`the document lacks the lines ${BEGIN} and ${END}`);
  return `${document.slice(0, begin + BEGIN.length)}\n\n${text}\n\n${document.slice(end)}`;
}
