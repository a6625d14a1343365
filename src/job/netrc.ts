/**
 * The netrc format, as ftp(1) and curl have it: `machine NAME login USER password SECRET`, `default`, `macdef` up to an empty
 * line, tokens in double quotes with backslashes. Pure.
 */

interface NetrcEntry {
  /** Undefined for `default`. */
  machine: string | undefined;
  login: string | undefined;
  password: string | undefined;
}

/** A token in quotes, or up to the next blank. A quote that is not closed ends with its line. */
const TOKEN = /"((?:[^"\\\n]|\\.)*)"?|(\S+)/g;

/**
 * The password of a user on a host: of the first entry of that machine (in any case) that names this user, or names no user;
 * else of `default`.
 * @returns undefined where no entry fits or the one that fits has no password.
 */
export function findInNetrc(
  text: string,
  { host, user }: { readonly host: string; readonly user: string },
): string | undefined {
  const fits = ({ machine, login }: NetrcEntry): boolean =>
    (machine === undefined || machine.toLowerCase() === host.toLowerCase()) &&
    (login === undefined || login === user);
  return parseNetrc(text).find(fits)?.password;
}

function parseNetrc(text: string): readonly NetrcEntry[] {
  const entries: NetrcEntry[] = [];
  const tokens = tokensOf(withoutMacros(text));
  for (let token = tokens.next().value; token !== undefined; token = tokens.next().value) {
    if (token === 'machine' || token === 'default') {
      const machine = token === 'machine' ? (tokens.next().value ?? '') : undefined;
      entries.push({ machine, login: undefined, password: undefined });
    } else if (token === 'login' || token === 'password' || token === 'account') {
      const value = tokens.next().value;
      const entry = entries.at(-1);
      if (entry !== undefined && token !== 'account') {
        entry[token] = value;
      }
    }
  }
  return entries;
}

function* tokensOf(text: string): Generator<string, undefined> {
  for (const [, inQuotes, plain] of text.matchAll(TOKEN)) {
    yield inQuotes === undefined ? (plain ?? '') : inQuotes.replace(/\\(.)/g, unescaped);
  }
  return undefined;
}

function unescaped(_all: string, character: string): string {
  return { n: '\n', r: '\r', t: '\t' }[character] ?? character;
}

/** A macro ends at the first empty line; lines that begin with `#` are comments. */
function withoutMacros(text: string): string {
  return text
    .replace(/^[ \t]*#.*$/gm, '')
    .replace(/^[ \t]*macdef\s[\s\S]*?(\r?\n[ \t]*\r?\n|$(?![\s\S]))/gm, '\n');
}
