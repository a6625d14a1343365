/** As much SVG as the plots need. Pure. */

type Attributes = Readonly<Record<string, string | number>>;

export function element(name: string, attributes: Attributes, ...children: readonly string[]): string {
  const written = Object.entries(attributes).map(([key, value]) => ` ${key}="${escaped(told(value))}"`);
  return children.length === 0
    ? `<${name}${written.join('')}/>`
    : `<${name}${written.join('')}>${children.join('')}</${name}>`;
}

export function text(content: string, x: number, y: number, attributes: Attributes = {}): string {
  return element('text', { x, y, ...attributes }, escaped(content));
}

export function line(x1: number, y1: number, x2: number, y2: number, kind: string): string {
  return element('line', { x1, y1, x2, y2, class: kind });
}

/** A whole image. `title` is what is read to those who do not see it. */
export function image(
  width: number,
  height: number,
  title: string,
  style: string,
  parts: readonly string[],
): string {
  const size = { width, height, viewBox: `0 0 ${width} ${height}` };
  return `${element(
    'svg',
    { xmlns: 'http://www.w3.org/2000/svg', ...size, role: 'img' },
    ...['\n', element('title', {}, escaped(title)), '\n', element('style', {}, style), '\n'],
    element('rect', { width, height, class: 'paper' }),
    ...parts.map((part) => `\n${part}`),
    '\n',
  )}\n`;
}

function told(value: string | number): string {
  return typeof value === 'number' ? String(Math.round(value * 10) / 10) : value;
}

function escaped(content: string): string {
  return content.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
}
