/** How tests and transcripts name the quirks and duties that they cover: `Q41`, `RFC-44`, `Q38–Q40`, `RFC-20…RFC-22`. */

const NUMBER = /\b(Q|RFC-)(\d{1,2})(?:[–…]\1(\d{1,2}))?(?!\d)/g;

/** The numbers in a text, each as `Q41` or `RFC-44`. */
export function numbersIn(text: string): string[] {
  return [...text.matchAll(NUMBER)].flatMap(([, kind = '', first = '', last = first]) => {
    const from = Number(first);
    return Array.from({ length: Math.max(0, Number(last) - from + 1) }, (_, i) => `${kind}${from + i}`);
  });
}
