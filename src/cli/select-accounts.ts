/**
 * `--account GLOB`: which accounts of a job a command is about.
 */
import { MailferryError } from '../errors/mailferry-error.ts';

/** @throws MailferryError where a glob matches nothing: a misspelt name must not look like a night without mail. */
export function selectAccounts<Account extends { readonly id: string }>(
  accounts: readonly Account[],
  globs: readonly string[] | undefined,
): readonly Account[] {
  if (globs === undefined) {
    return accounts;
  }
  const patterns = globs.map((glob) => ({ glob, pattern: toPattern(glob) }));
  for (const { glob, pattern } of patterns) {
    if (!accounts.some(({ id }) => pattern.test(id))) {
      throw new MailferryError(
        `--account ${glob} matches none of the ${accounts.length} accounts of this job`,
        {
          code: 'usage-no-account',
          scope: 'run',
          retry: 'never',
          hint: `accounts are matched by id, for example ${accounts[0]?.id ?? 'alice@pop.example.net'}`,
        },
      );
    }
  }
  return accounts.filter(({ id }) => patterns.some(({ pattern }) => pattern.test(id)));
}

/** `*` and `?` match anything; case counts; every other character stands for itself. Runs of stars are one star. */
function toPattern(glob: string): RegExp {
  const source = glob
    .replace(/\*+/g, '*')
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  return new RegExp(`^${source}$`, 'su');
}
