/**
 * Whether there are colours, and the few that there are. Decided from the stream and the environment, nothing else.
 */

export type Style = 'red' | 'yellow' | 'green' | 'dim' | 'bold';

/** Select Graphic Rendition codes (ECMA-48 §8.3.117): on and off. */
const CODES: Readonly<Record<Style, readonly [on: number, off: number]>> = {
  red: [31, 39],
  yellow: [33, 39],
  green: [32, 39],
  dim: [2, 22],
  bold: [1, 22],
};

/** Dresses text that is printable already. */
export type Paint = (style: Style, text: string) => string;

export type Environment = Readonly<Record<string, string | undefined>>;

/** FORCE_COLOR speaks before NO_COLOR (as in Node itself), both before what the terminal can do. */
export function decideColour(stream: { readonly isTTY?: boolean | undefined }, env: Environment): boolean {
  const forced = env['FORCE_COLOR'];
  if (forced !== undefined) {
    return forced !== '0' && forced !== 'false';
  }
  // https://no-color.org: present and not empty, whatever the value.
  if ((env['NO_COLOR'] ?? '') !== '') {
    return false;
  }
  return stream.isTTY === true && isCapable(env);
}

/** Bars move the cursor, which a dumb terminal (an editor's shell, some CI logs) shows as garbage. */
export function decideBars(stream: { readonly isTTY?: boolean | undefined }, env: Environment): boolean {
  return stream.isTTY === true && isCapable(env);
}

function isCapable(env: Environment): boolean {
  return env['TERM'] !== 'dumb';
}

export function createPaint(hasColour: boolean): Paint {
  return (style, text) => {
    const [on, off] = CODES[style];
    return hasColour && text !== '' ? `\u001b[${on}m${text}\u001b[${off}m` : text;
  };
}
