/** The rules about OAuth 2.0 across keys. Pure: must not touch disk or network. */
import type { JobProblem } from './job.ts';
import { definedAccounts, type JobDraft } from './job-draft.ts';
import { templateFaults } from './placeholders.ts';
import type { RawAccount } from './schema.ts';

export const oauthRules = [tokensGoByOauth, storesAreWellFormed];

/** A token that goes by another mechanism would be sent as a password. */
export function tokensGoByOauth(draft: JobDraft): JobProblem[] {
  const problems: JobProblem[] = [];
  for (const { definition, account } of definedAccounts(draft)) {
    const { password, auth } = definition;
    if (password.kind === 'oauth' && !['AUTO', 'OAUTHBEARER', 'XOAUTH2'].includes(auth)) {
      const text = `auth: ${auth.toLowerCase()} takes no access token; expected auto, oauthbearer or xoauth2 with password.oauth`;
      problems.push({ ...account.placeOf(['auth']), text });
    }
  }
  return problems;
}

export function storesAreWellFormed({ accounts, defaults, placeOf }: JobDraft): JobProblem[] {
  const own = accounts.flatMap((account) =>
    faultsOf(account.own).map((text) => ({ ...account.placeOf(STORE), text })),
  );
  const inherited = faultsOf(defaults).map((text) => ({ ...placeOf(['defaults', ...STORE]), text }));
  return [...own, ...inherited];
}

const STORE = ['password', 'oauth', 'store'];

function faultsOf({ password }: Pick<RawAccount, 'password'>): string[] {
  const store = typeof password === 'object' ? password.oauth?.store : undefined;
  return store === undefined ? [] : templateFaults(store);
}
