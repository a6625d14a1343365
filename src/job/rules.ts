/**
 * The rules across keys of a job, each a small function from a draft to what it finds wrong. What one key may hold is in
 * schema.ts; the rules about where sinks write are in path-rules.ts. Pure: must not touch disk or network.
 */
import { needsPassword } from '../pop3/sasl/names.ts';
import { isLoopback } from './hosts.ts';
import type { JobProblem } from './job.ts';
import { type DraftAccount, definedAccounts, type JobDraft } from './job-draft.ts';
import { oauthRules } from './oauth-rules.ts';
import { pathRules } from './path-rules.ts';
import { type PopUrl, urlIn } from './pop-url.ts';
import { type Path, quoted } from './problems.ts';
import { s3Rules, s3WarningRules } from './s3-rules.ts';

export type Rule = (draft: JobDraft) => JobProblem[];

const MAX_ACCOUNTS = 100_000;

/** Octets per second, that the pause behind one chunk stays a matter of seconds. */
const LEAST_RATE_PER_ACCOUNT = 8_000;

/** What makes a job impossible to run as it is meant. */
const rules: readonly Rule[] = [
  notTooManyAccounts,
  accountsAreComplete,
  urlsAgreeWithKeys,
  accountIdsAreUnique,
  credentialsFitOneLine,
  clientCertificatesAreWhole,
  authorizationIdsCanBeSaid,
  tlsSettingsNeedTls,
  sinkNamesAreUnique,
  selectionCanBeMet,
  deletionIsProved,
  keepGoesWithDelete,
  bandwidthFeedsAccounts,
  ...pathRules,
  ...s3Rules,
  ...oauthRules,
];

/** What is allowed and unwise. */
const warningRules: readonly Rule[] = [
  passwordsAreNotInFiles,
  networksAreEncrypted,
  perHostHasEffect,
  ...s3WarningRules,
];

export function checkRules(draft: JobDraft): JobProblem[] {
  return rules.flatMap((rule) => rule(draft));
}

export function findWarnings(draft: JobDraft): JobProblem[] {
  return warningRules.flatMap((rule) => rule(draft));
}

export function notTooManyAccounts({ accounts, placeOf }: JobDraft): JobProblem[] {
  return accounts.length > MAX_ACCOUNTS
    ? [
        {
          ...placeOf(['accounts']),
          text: `${accounts.length} accounts; expected at most ${MAX_ACCOUNTS} in one job`,
        },
      ]
    : [];
}

export function accountsAreComplete({ accounts }: JobDraft): JobProblem[] {
  const required = ['host', 'user', 'password'] as const;
  return accounts.flatMap(({ keys, placeOf }) =>
    required
      .filter((key) => keys[key] === undefined && (key !== 'password' || needsPassword(keys.auth ?? 'AUTO')))
      .map((key) => {
        const where = key === 'user' ? '' : ', here or in defaults';
        return { ...placeOf([key]), text: `${key} is missing; expected it for every account${where}` };
      }),
  );
}

/** A POP URL says what other keys may say, too. Where they say something else, nobody can know what was meant. */
export function urlsAgreeWithKeys({ accounts, defaults, placeOf }: JobDraft): JobProblem[] {
  const owners = [{ own: defaults, placeOf: (path: Path) => placeOf(['defaults', ...path]) }, ...accounts];
  return owners.flatMap((owner) => {
    const url = urlIn(owner.own.host);
    return url === undefined ? [] : urlProblems(url, owner);
  });
}

function urlProblems(url: PopUrl, { own, placeOf }: Pick<DraftAccount, 'own' | 'placeOf'>): JobProblem[] {
  const isTls = own.security === 'tls';
  const differing = [
    url.port !== undefined && own.port !== undefined && own.port !== url.port && 'port',
    own.security !== undefined && isTls !== (url.scheme === 'pops') && 'security',
    url.user !== undefined && own.user !== undefined && own.user !== url.user && 'user',
    url.auth !== undefined && own.auth !== undefined && own.auth !== url.auth && 'auth',
  ].filter((name) => name !== false);
  return differing.map((name) => ({
    ...placeOf([name]),
    text: `${name} contradicts the POP URL in host; expected it in one of the two places`,
  }));
}

export function accountIdsAreUnique(draft: JobDraft): JobProblem[] {
  const first = new Map<string, DraftAccount>();
  const problems: JobProblem[] = [];
  for (const { definition, account } of definedAccounts(draft)) {
    const taken = first.get(definition.id);
    if (taken === undefined) {
      first.set(definition.id, account);
      continue;
    }
    const { file, line } = taken.placeOf(['id']);
    const hint =
      account.own.id === undefined ? '; without an id it is user@host: give one of them an id' : '';
    const text = `the account id ${quoted(definition.id)} is taken by ${file}:${line}; expected another${hint}`;
    problems.push({ ...account.placeOf(['id']), text });
  }
  return problems;
}

/** A line end in a user name or password would end the command that carries it and begin another (RFC 1939 §3). */
export function credentialsFitOneLine(draft: JobDraft): JobProblem[] {
  const problems: JobProblem[] = [];
  for (const { definition, account } of definedAccounts(draft)) {
    if (breaksLine(definition.user)) {
      problems.push({ ...account.placeOf(['user']), text: 'expected a user name without line end or NUL' });
    }
    if (definition.password.kind === 'plain' && account.own.password !== undefined) {
      problems.push(...plainPasswordProblems(definition.password.value, account.placeOf, ['password']));
    }
  }
  return [...problems, ...defaultPasswordProblems(draft)];
}

/** Told where it is written, once, and not for each account that takes it. */
function defaultPasswordProblems({ accounts, placeOf }: JobDraft): JobProblem[] {
  const user = accounts.find(
    ({ own, keys }) => own.password === undefined && typeof keys.password === 'string',
  );
  const password = user?.keys.password;
  return typeof password === 'string'
    ? plainPasswordProblems(password, placeOf, ['defaults', 'password'])
    : [];
}

function plainPasswordProblems(password: string, placeOf: JobDraft['placeOf'], path: Path): JobProblem[] {
  if (password === '') {
    return [{ ...placeOf(path), text: 'expected a password; came an empty text' }];
  }
  return breaksLine(password)
    ? [{ ...placeOf(path), text: 'expected a password without line end or NUL; POP3 cannot carry these' }]
    : [];
}

function breaksLine(text: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for.
  return /[\r\n\u0000]/.test(text);
}

/** Where it cannot be said whose maildrop is meant, that of the administrator would be archived under the wrong name. */
export function authorizationIdsCanBeSaid({ accounts }: JobDraft): JobProblem[] {
  return accounts.flatMap(({ keys, placeOf }) => {
    const { auth = 'AUTO', authorizationId } = keys;
    const isSayable = ['AUTO', 'PLAIN', 'EXTERNAL', 'GSSAPI'].includes(auth) || auth.startsWith('SCRAM-');
    if (authorizationId === undefined) {
      return [];
    }
    const texts = [
      !isSayable &&
        `${auth.toLowerCase()} cannot carry it; expected auth: auto, plain, external, gssapi or a SCRAM mechanism`,
      breaksLine(authorizationId) && 'expected a text without line end or NUL',
    ];
    return texts.filter((text) => text !== false).map((text) => ({ ...placeOf(['authorizationId']), text }));
  });
}

/** A certificate without its key, or two certificates, is none. */
export function clientCertificatesAreWhole({ accounts }: JobDraft): JobProblem[] {
  return accounts.flatMap(({ keys, placeOf }) => {
    const { cert, key, pfx, passphrase } = keys.tls ?? {};
    const has = (value: unknown) => value !== undefined;
    const texts = [
      has(cert) !== has(key) && 'cert and key go together; expected both, or pfx',
      has(pfx) &&
        (has(cert) || has(key)) &&
        'pfx holds certificate and key; expected it without cert and key',
      has(passphrase) && !has(key) && !has(pfx) && 'passphrase without key or pfx; expected one of them',
      keys.auth === 'EXTERNAL' && !has(cert) && !has(pfx) && 'auth: external needs cert and key, or pfx',
    ];
    return texts.filter((text) => text !== false).map((text) => ({ ...placeOf(['tls']), text }));
  });
}

export function tlsSettingsNeedTls({ accounts }: JobDraft): JobProblem[] {
  return accounts
    .filter(({ own, keys }) => own.tls !== undefined && keys.security === 'plaintext')
    .map(({ placeOf }) => ({
      ...placeOf(['tls']),
      text: 'tls settings contradict security: plaintext; expected tls or starttls, or no tls settings',
    }));
}

export function sinkNamesAreUnique({ sinks }: JobDraft): JobProblem[] {
  const names = sinks.map(({ definition }) => definition.name);
  return sinks
    .filter(({ definition }, index) => names.indexOf(definition.name) !== index)
    .map(({ place, definition }) => ({
      ...place,
      text: `the sink ${quoted(definition.name)} is there twice; expected each sink once`,
    }));
}

export function selectionCanBeMet({ select, placeOf }: JobDraft): JobProblem[] {
  const { olderThanMs, newerThanMs, largerThanOctets, smallerThanOctets } = select ?? {};
  const problems: JobProblem[] = [];
  if (olderThanMs !== undefined && newerThanMs !== undefined && olderThanMs >= newerThanMs) {
    const text =
      'no message is both older than olderThan and newer than newerThan; expected newerThan to be the longer time';
    problems.push({ ...placeOf(['select', 'newerThan']), text });
  }
  if (
    largerThanOctets !== undefined &&
    smallerThanOctets !== undefined &&
    largerThanOctets + 1 >= smallerThanOctets
  ) {
    const text =
      'no message is both larger than largerThan and smaller than smallerThan; expected smallerThan to be more';
    problems.push({ ...placeOf(['select', 'smallerThan']), text });
  }
  return problems;
}

export function passwordsAreNotInFiles({ accounts, placeOf }: JobDraft): JobProblem[] {
  const advice =
    'expected env, file, command, credential or netrc, so that the job can be shown and kept under version control';
  const own = accounts.filter((account) => typeof account.own.password === 'string');
  const inherits = accounts.some(
    (account) => account.own.password === undefined && typeof account.keys.password === 'string',
  );
  return [
    ...oncePerFile(own, ['password'], (count) => `${passwords(count)} in the file itself; ${advice}`),
    ...(inherits
      ? [{ ...placeOf(['defaults', 'password']), text: `the password is in the file itself; ${advice}` }]
      : []),
  ];
}

function passwords(count: number): string {
  return count === 1 ? 'the password is' : `the passwords of ${count} accounts are`;
}

export function networksAreEncrypted({ accounts }: JobDraft): JobProblem[] {
  const clear = accounts.filter(
    ({ definition }) => definition?.security === 'plaintext' && !isLoopback(definition.host),
  );
  const isByPassword = ({ keys }: DraftAccount) => needsPassword(keys.auth ?? 'AUTO');
  const expected = 'over the network in clear; expected tls or starttls, unless the server has neither';
  return [
    ...oncePerFile(clear.filter(isByPassword), ['security'], (count) =>
      count === 1
        ? `the password and all mail go ${expected}`
        : `passwords and all mail of ${count} accounts go ${expected}`,
    ),
    ...oncePerFile(
      clear.filter((account) => !isByPassword(account)),
      ['security'],
      (count) => `all mail${count === 1 ? '' : ` of ${count} accounts`} goes ${expected}`,
    ),
  ];
}

/** Ten thousand rows of one file are one warning, at the first of them. */
function oncePerFile(
  accounts: readonly DraftAccount[],
  path: Path,
  textOf: (count: number) => string,
): JobProblem[] {
  const groups = new Map<string, { readonly first: DraftAccount; count: number }>();
  for (const account of accounts) {
    const { file } = account.placeOf([]);
    const group = groups.get(file) ?? { first: account, count: 0 };
    group.count += 1;
    groups.set(file, group);
  }
  return [...groups.values()].map(({ first, count }) => ({ ...first.placeOf(path), text: textOf(count) }));
}

/** A pause that is long because many accounts share a thin line would be taken for a lost client by the server. */
export function bandwidthFeedsAccounts({ limits, placeOf }: JobDraft): JobProblem[] {
  const needed = (limits?.accounts ?? 0) * LEAST_RATE_PER_ACCOUNT;
  if (limits?.octetsPerSecond === undefined || limits.octetsPerSecond >= needed) {
    return [];
  }
  const text = `bandwidth is too little for ${limits.accounts} accounts at the same time; expected at least ${needed / 1000}kB/s, or fewer accounts`;
  return [{ ...placeOf(['limits', 'bandwidth']), text }];
}

export function perHostHasEffect({ limits, placeOf, isWritten }: JobDraft): JobProblem[] {
  if (limits === undefined || limits.perHost <= limits.accounts || !isWritten(['limits', 'perHost'])) {
    return [];
  }
  const text = `perHost ${limits.perHost} has no effect; expected at most ${limits.accounts}, the value of accounts`;
  return [{ ...placeOf(['limits', 'perHost']), text }];
}

export function deletionIsProved({ deletion, verify, placeOf }: JobDraft): JobProblem[] {
  return deletion !== undefined && verify === 'none'
    ? [{ ...placeOf(['verify']), text: '"none" contradicts `delete`; expected "readback", or no `delete`' }]
    : [];
}

/** Without `delete` everything stays: rules about what stays would make a reader believe otherwise. */
export function keepGoesWithDelete({ isWritten, placeOf }: JobDraft): JobProblem[] {
  return isWritten(['keep']) && !isWritten(['delete'])
    ? [
        {
          ...placeOf(['keep']),
          text: '`keep` without `delete`: nothing is ever deleted; remove it, or add `delete`',
        },
      ]
    : [];
}
