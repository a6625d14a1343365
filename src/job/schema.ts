/**
 * The shape of a job definition: every key with its type, its description and what holds where it is left out. The only file
 * that knows the package `zod`. It holds the keys that work in this version and no others (see not-yet.ts for those that are
 * to come). Must not know files, lines, or rules across keys (rules.ts).
 * It is longer than other files because it is one table, and is read as such.
 *
 * The `error` of a schema says what was expected, as a noun phrase; shape-problems.ts makes a sentence of it.
 */
import { isIP } from 'node:net';
import * as z from 'zod/mini';
import { AUTH_CHOICES, type AuthChoice } from '../pop3/sasl/names.ts';
import { CSV_COLUMNS } from './csv-columns.ts';
import { isLoopback, parseHost } from './hosts.ts';
import { isPopUrl, parsePopUrl } from './pop-url.ts';
import { PROXY_EXPECTED, parseProxyUrl } from './proxy-url.ts';
import { type ShapeIssue, toShapeIssues } from './shape-issues.ts';
import {
  DURATION_PATTERN,
  parseDurationMs,
  parseOctets,
  parseRate,
  parseRetentionMs,
  RATE_PATTERN,
  RETENTION_PATTERN,
  SIZE_PATTERN,
} from './units.ts';

/** Parts are in memory for a moment, one for each account at work. */
const MAX_PART_OCTETS = 16 * 1024 * 1024;

/** Node's timers fire at once where they should wait longer than 2^31 - 1 ms. */
const MAX_WAIT_MS = 24 * 86_400_000;
const MAX_ACCOUNT_ENTRIES = 100_000;
const MAX_SINKS = 16;

type LeftOut = { readonly required: true } | { readonly value: string | number } | { readonly words: string };

const required: LeftOut = { required: true };
const byDefault = (value: string | number): LeftOut => ({ value });
const leftOut = (words: string): LeftOut => ({ words });

/** Gives a key its description, which always ends with what holds where the key is left out. */
function key<T extends z.ZodMiniType>(schema: T, about: string, otherwise: LeftOut): T {
  if ('required' in otherwise) {
    return schema.check(z.meta({ description: `${about} Required.` }));
  }
  return 'value' in otherwise
    ? schema.check(z.meta({ description: `${about} Default: ${otherwise.value}.`, default: otherwise.value }))
    : schema.check(z.meta({ description: `${about} Default: ${otherwise.words}.` }));
}

function text(expected: string, maxLength = 4096) {
  return z
    .string({ error: expected })
    .check(
      z.minLength(1, { error: expected }),
      z.maxLength(maxLength, { error: `${expected}, at most ${maxLength} characters` }),
    );
}

/** A text that goes to others as it is: with a line end in it, it could be two. */
function line(expected: string, maxLength: number) {
  return text(expected, maxLength).check(
    z.regex(/^\P{Cc}*$/u, {
      error: `${expected} without line ends and other control characters`,
    }),
  );
}

function count(min: number, max: number) {
  const expected = `a whole number from ${min} to ${max}`;
  return z.int({ error: expected }).check(z.gte(min, { error: expected }), z.lte(max, { error: expected }));
}

function percent() {
  const expected = 'a number from 0 to 100';
  return z.number({ error: expected }).check(z.gte(0, { error: expected }), z.lte(100, { error: expected }));
}

function duration(maxMs: number = Number.MAX_SAFE_INTEGER) {
  const range = maxMs === MAX_WAIT_MS ? ', longer than 0 and at most 24d' : ', longer than 0';
  const expected = `a duration with its unit, such as 60s, 5m, 12h or 30d${range}`;
  return z.pipe(
    z.string({ error: expected }).check(
      z.regex(new RegExp(DURATION_PATTERN), { error: expected, abort: true }),
      z.refine((value) => isWithin(parseDurationMs(value), 1, maxMs), { error: expected }),
    ),
    z.transform((value) => parseDurationMs(value) ?? 0),
  );
}

function size(min: number, max = Number.MAX_SAFE_INTEGER) {
  const most = max === Number.MAX_SAFE_INTEGER ? '' : `, at most ${max}`;
  const expected = `a size such as 4096, 50MB or 10MiB${min > 0 ? `, at least ${min}` : ''}${most}`;
  return z.pipe(
    z
      .union(
        [
          z.int({ error: expected }).check(z.gte(0, { error: expected, abort: true })),
          z.string().check(z.regex(new RegExp(SIZE_PATTERN), { error: expected, abort: true })),
        ],
        {
          error: expected,
        },
      )
      .check(
        z.refine((value) => isWithin(parseOctets(String(value)), min, max), {
          error: expected,
        }),
      ),
    z.transform((value) => parseOctets(String(value)) ?? 0),
  );
}

/** Slower than this a server would take a pause for a lost client. */
const MIN_RATE = 64_000;

function rate() {
  const expected = 'a rate such as 10MB/s or 512KiB/s, at least 64kB/s';
  return z.pipe(
    z.string({ error: expected }).check(
      z.regex(new RegExp(RATE_PATTERN), { error: expected, abort: true }),
      z.refine((value) => isWithin(parseRate(value), MIN_RATE, Number.MAX_SAFE_INTEGER), { error: expected }),
    ),
    z.transform((value) => parseRate(value) ?? 0),
  );
}

function isWithin(value: number | undefined, min: number, max: number): boolean {
  return value !== undefined && value >= min && value <= max;
}

const mechanismWords = AUTH_CHOICES.map((name) => name.toLowerCase());

const security = z.enum(['tls', 'starttls', 'plaintext'], { error: '"tls", "starttls" or "plaintext"' });

const authExpected = `one of ${mechanismWords.join(', ')}, in any case`;
/** Written out letter by letter, since a pattern in a JSON Schema has no flag for "any case". */
const authPattern = AUTH_CHOICES.map((name) =>
  name.replace(/[A-Z]/g, (letter) => `[${letter}${letter.toLowerCase()}]`),
);
const auth = z.pipe(
  z
    .string({ error: authExpected })
    .check(
      z.regex(new RegExp(`^(${authPattern.join('|')})$`), { error: authExpected }),
      z.meta({ examples: mechanismWords }),
    ),
  z.transform((value) => mechanismOf(value) ?? 'AUTO'),
);

const hostExpected = 'a host name, an IP address or a POP URL';
const hostOrUrl = z.pipe(
  z.string({ error: hostExpected }),
  z.transform((value, context) => {
    const parsed = isPopUrl(value) ? checkUrl(value) : parseHost(value);
    if (parsed === undefined || typeof parsed === 'object') {
      const message =
        parsed?.expected ?? 'a host name or an IP address without a port, scheme or space; or a POP URL';
      context.issues.push({ code: 'custom', message, input: value });
      return z.NEVER;
    }
    return parsed;
  }),
);

/** The URL as it is; normalise.ts takes it apart. */
function checkUrl(text: string): string | { readonly expected: string } {
  const url = parsePopUrl(text);
  if (typeof url === 'string') {
    return { expected: url };
  }
  return url.auth === undefined || mechanismOf(url.auth) !== undefined
    ? text
    : { expected: `a POP URL whose mechanism is * or ${authExpected}` };
}

/** The mechanism by its name in any case. */
export function mechanismOf(name: string): AuthChoice | undefined {
  return AUTH_CHOICES.find((each) => each === name.toUpperCase());
}

const fingerprint = z.string({ error: 'a fingerprint' }).check(
  z.regex(/^(sha256:([0-9a-fA-F]{2}:?){31}[0-9a-fA-F]{2}|spki-sha256:[A-Za-z0-9+/]{43}=)$/, {
    error:
      '"sha256:" and 64 hex digits of the certificate, or "spki-sha256:" and 44 Base64 characters of its public key',
  }),
);

/** Exactly one of the keys; the JSON Schema says it in its own words. */
const oneKeyOnly = { minProperties: 1, maxProperties: 1 };

const secretKeys = {
  env: key(
    z.optional(text('the name of an environment variable', 256)),
    'Environment variable that holds it.',
    leftOut('none'),
  ),
  file: key(
    z.optional(text('the path of a file')),
    'File that holds it and nothing else, relative to the job file; one line end after it is ignored.',
    leftOut('none'),
  ),
  command: key(
    z.optional(
      z.tuple([text('the name of a program')], text('an argument, as a text'), {
        error: 'a list: the program, then each argument',
      }),
    ),
    'Program that prints it, and its arguments, as a list; it runs without a shell.',
    leftOut('none'),
  ),
  credential: key(
    z.optional(
      text('the name of a systemd credential', 255).check(
        z.regex(/^(?!\.{1,2}$)[^/]*$/, { error: 'the name of a systemd credential, without a slash' }),
      ),
    ),
    'Name of a systemd credential (`LoadCredential=`, `LoadCredentialEncrypted=`): a file in `$CREDENTIALS_DIRECTORY`.',
    leftOut('none'),
  ),
};

const namesOf = (keys: object): string => Object.keys(keys).join(', ');

/** A secret by itself: nothing is known of whose it is. */
const secretSchema = secretOf(z.strictObject(secretKeys), namesOf(secretKeys));

const httpsExpected = 'an https address without user and password; http only on this machine';
const httpsUrl = text(httpsExpected, 2048).check(z.refine(isSafeUrl, { error: httpsExpected }));

function isSafeUrl(value: string): boolean {
  const url = URL.canParse(value) ? new URL(value) : undefined;
  const isSafe = url?.protocol === 'https:' || (url?.protocol === 'http:' && isLoopback(url.hostname));
  return isSafe && url.username === '' && url.password === '';
}

const oauthKeys = {
  provider: key(
    z.optional(z.enum(['google', 'microsoft'], { error: '"google" or "microsoft"' })),
    'Fills in the addresses and the scope of a provider.',
    leftOut('none; then `tokenEndpoint` is required'),
  ),
  tenant: key(
    z.optional(
      text('a tenant', 256).check(z.regex(/^[A-Za-z0-9.-]+$/, { error: 'a tenant: its id or its domain' })),
    ),
    'Tenant of the provider `microsoft`.',
    leftOut('common'),
  ),
  tokenEndpoint: key(z.optional(httpsUrl), 'Where tokens are asked for.', leftOut('the provider’s')),
  deviceEndpoint: key(
    z.optional(httpsUrl),
    'Where a login by device code begins (RFC 8628).',
    leftOut('the provider’s'),
  ),
  clientId: key(
    line('a client id', 512),
    'Id of the application, as it is registered with the provider.',
    required,
  ),
  clientSecret: key(z.optional(secretSchema), 'Where the application’s secret comes from.', leftOut('none')),
  refreshToken: key(
    z.optional(secretSchema),
    'Where the refresh token comes from; one of this, `deviceCode` and `clientCredentials`.',
    leftOut('none'),
  ),
  deviceCode: key(
    z.optional(z.literal(true, { error: 'true' })),
    'A person logs in once, with `mailferry login`; the refresh token is kept in `store`.',
    leftOut('false'),
  ),
  clientCredentials: key(
    z.optional(z.literal(true, { error: 'true' })),
    'The application has a right of its own to the mailboxes.',
    leftOut('false'),
  ),
  store: key(
    z.optional(text('the path of a file')),
    'File that keeps the refresh token as the provider changes it, relative to the job file; may hold the placeholders of sink paths.',
    leftOut('none; required with `deviceCode`'),
  ),
  scope: key(
    z.optional(line('a scope', 2048)),
    'What the token shall be good for.',
    leftOut('the provider’s'),
  ),
};

const oauthSchema = z.strictObject(oauthKeys, { error: `a map with ${namesOf(oauthKeys)}` }).check(
  z.refine(({ provider, tokenEndpoint }) => provider !== undefined || tokenEndpoint !== undefined, {
    error: 'provider or tokenEndpoint',
  }),
  z.refine(
    ({ refreshToken, deviceCode, clientCredentials }) =>
      [refreshToken, deviceCode, clientCredentials].filter((grant) => grant !== undefined).length === 1,
    { error: 'exactly one of refreshToken, deviceCode, clientCredentials' },
  ),
  z.refine(({ deviceCode, store }) => deviceCode === undefined || store !== undefined, {
    error: 'store with deviceCode: a file that keeps the refresh token',
  }),
  z.refine(
    ({ deviceCode, provider, deviceEndpoint }) =>
      deviceCode === undefined || provider !== undefined || deviceEndpoint !== undefined,
    { error: 'deviceEndpoint with deviceCode' },
  ),
);

const passwordKeys = {
  ...secretKeys,
  oauth: key(
    z.optional(oauthSchema),
    'Access tokens by OAuth 2.0 in place of a password, for XOAUTH2 and OAUTHBEARER.',
    leftOut('none'),
  ),
  netrc: key(
    z.optional(text('the path of a netrc file')),
    'netrc file whose entry for this host and user holds it, relative to the job file.',
    leftOut('none'),
  ),
};

/** An account's password: it has a host and a user to be looked up by. */
const passwordSchema = secretOf(z.strictObject(passwordKeys), namesOf(passwordKeys));

function secretOf<T extends z.ZodMiniType<object>>(sources: T, names: string) {
  const one = sources.check(
    z.refine((value) => Object.values(value).filter((source) => source !== undefined).length === 1, {
      error: `exactly one of ${names}`,
    }),
    z.meta(oneKeyOnly),
  );
  return z.union([z.string().check(z.maxLength(4096)), one], {
    error: `a text, or a map with one of ${names}`,
  });
}

const proxyUrl = z.string({ error: PROXY_EXPECTED }).check(
  z.refine((value) => value === 'none' || typeof parseProxyUrl(value) === 'object', {
    error: PROXY_EXPECTED,
  }),
);

const ipAddress = z
  .string({ error: 'an IP address' })
  .check(z.refine((value) => isIP(value) !== 0, { error: 'an IP address' }));

const tlsSchema = z.strictObject(
  {
    ca: key(
      z.optional(text('the path of a PEM file')),
      'PEM file of certificate authorities to trust instead of the system’s, relative to the job file.',
      leftOut('the system’s'),
    ),
    fingerprint: key(
      z.optional(
        z.union(
          [
            z.pipe(
              fingerprint,
              z.transform((pin) => [pin]),
            ),
            z
              .array(fingerprint)
              .check(
                z.minLength(1, { error: 'at least one fingerprint' }),
                z.maxLength(16, { error: 'at most 16 fingerprints' }),
              ),
          ],
          {
            error: 'a fingerprint or a list of them',
          },
        ),
      ),
      'Pins the server’s certificate: `sha256:` and its SHA-256 in hex, or `spki-sha256:` and that of its public key in Base64. Of a list any one suffices.',
      leftOut('none'),
    ),
    serverName: key(
      z.optional(line('a host name', 253)),
      'Name to expect in the certificate and to send as SNI, where it is not `host`; with `auth: gssapi` that of the service, too.',
      leftOut('host'),
    ),
    cert: key(
      z.optional(text('the path of a PEM file')),
      'PEM file of a client certificate, with those between it and its authority, for servers that ask for one; relative to the job file. With `auth: external` it logs in.',
      leftOut('none'),
    ),
    key: key(
      z.optional(text('the path of a PEM file')),
      'PEM file of the private key of `cert`, relative to the job file.',
      leftOut('none; required with `cert`'),
    ),
    pfx: key(
      z.optional(text('the path of a PKCS#12 file')),
      'PKCS#12 file of client certificate and key in one, in place of `cert` and `key`; relative to the job file.',
      leftOut('none'),
    ),
    passphrase: key(
      z.optional(
        z.strictObject(secretKeys, { error: `a map with one of ${namesOf(secretKeys)}` }).check(
          z.refine((value) => Object.values(value).filter((source) => source !== undefined).length === 1, {
            error: `exactly one of ${namesOf(secretKeys)}`,
          }),
          z.meta(oneKeyOnly),
        ),
      ),
      'Where the passphrase of `key` or `pfx` comes from.',
      leftOut('none'),
    ),
  },
  { error: 'a map with ca, fingerprint, serverName, cert, key, pfx, passphrase' },
);

const proxySchema = z.union(
  [
    proxyUrl,
    z.strictObject(
      {
        url: key(proxyUrl, 'Where the proxy is: `socks5://host:port` or `http://host:port`.', required),
        user: key(z.optional(line('a text', 255)), 'Name to log in to the proxy with.', leftOut('none')),
        password: key(
          z.optional(secretSchema),
          'Where the password for the proxy comes from.',
          leftOut('none; goes with `user`'),
        ),
      },
      { error: 'a map with url, user, password' },
    ),
  ],
  { error: 'a proxy URL, or a map with url, user, password' },
);

const connectionKeys = {
  host: key(
    z.optional(hostOrUrl),
    'Name or address of the POP3 server; or a POP URL such as `pops://alice@pop.example.net:995`, which can say `port`, `security`, `user` and `auth` too.',
    leftOut('none; required for each account, here or in `defaults`'),
  ),
  port: key(z.optional(count(1, 65_535)), 'TCP port of the server.', leftOut('995 with tls, otherwise 110')),
  security: key(
    z.optional(security),
    '`tls` from the first octet, `starttls` (STLS before login, or no login), or `plaintext`, which shows the password and all mail to the network.',
    byDefault('tls'),
  ),
  password: key(
    z.optional(passwordSchema),
    'Where the password comes from: `env`, `file`, `command`, `credential` or `netrc`. A plain text works and is warned of.',
    leftOut('none; required for each account, here or in `defaults`'),
  ),
  auth: key(
    z.optional(auth),
    `How to log in: \`auto\` takes the strongest that the server announces, weak ones never; or the name of one, in any case: ${mechanismWords.slice(1).join(', ')}. With \`oauthbearer\` and \`xoauth2\` an access token stands in the place of the password; \`external\` and \`gssapi\` need none.`,
    byDefault('auto'),
  ),
  proxy: key(
    z.optional(proxySchema),
    'Proxy through which the server is reached: `socks5://host:port`, `http://host:port` (CONNECT), `none`; or a map with `url`, `user`, `password`.',
    leftOut('what ALL_PROXY says, unless NO_PROXY names the host'),
  ),
  localAddress: key(
    z.optional(ipAddress),
    'Address of this machine to connect from.',
    leftOut('what the system chooses'),
  ),
  drain: key(
    z.optional(z.enum(['auto', 'always', 'never'], { error: '"auto", "always" or "never"' })),
    'Whether to log in again when all that was listed is archived, since some servers list only a part of the mailbox at a time: `auto` where there is a sign of it, `always` until a login yields nothing new, or `never`.',
    byDefault('auto'),
  ),
  tls: key(
    z.optional(tlsSchema),
    'How the server’s certificate is judged.',
    leftOut('system authorities, name = host'),
  ),
};

const accountKeys = {
  id: key(
    z.optional(
      text('a text without control characters', 512).check(
        // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused.
        z.regex(/^[^\u0000-\u001f\u007f-\u009f]*$/, { error: 'a text without control characters' }),
      ),
    ),
    'Name of the account in reports, in the ledger and in paths; unique in the job, and kept for ever: under a new id everything is archived again.',
    leftOut('user@host, even where the user holds an @'),
  ),
  user: key(
    z.optional(text('a text', 1024)),
    'Name to log in with.',
    leftOut('none; required for each account'),
  ),
  authorizationId: key(
    z.optional(text('a text', 1024)),
    'Whose maildrop to open, where `user` is an administrator who may open it for somebody else; only with `plain`, `external`, `gssapi` and the SCRAM mechanisms.',
    leftOut('that of `user`'),
  ),
  ...connectionKeys,
};

const csvColumns = [...CSV_COLUMNS.keys()].join(', ');
const accountsExpected = 'a list with at least one account';

const accountSchema = z.strictObject(accountKeys, { error: 'a map with the keys of an account' });

const accountEntrySchema = z
  .strictObject(
    {
      ...accountKeys,
      from: key(
        z.optional(text('the path of a CSV file')),
        `CSV file with one account a row, relative to the job file; stands alone in its entry. The first row names the columns: ${csvColumns}. An empty cell means: not given. Paths in it are relative to the job file.`,
        leftOut('none: the account is described here'),
      ),
    },
    { error: 'a map with the keys of an account, or with `from`' },
  )
  .check(
    z.refine(
      (entry) =>
        entry.from === undefined || Object.values(entry).filter((value) => value !== undefined).length === 1,
      {
        error: 'either `from` alone, or the keys of one account',
      },
    ),
  );

const bucketExpected = 'the name of a bucket: 3 to 63 lower-case letters, digits, "." and "-"';

const LARGEST_PUT_OCTETS = 5 * 1024 ** 3;

const s3CredentialsSchema = z.strictObject(
  {
    accessKeyId: key(text('an access key id', 256), 'Id of the access key; it is no secret.', required),
    secretAccessKey: key(secretSchema, 'Where the secret access key comes from.', required),
    sessionToken: key(
      z.optional(secretSchema),
      'Where the session token of temporary credentials comes from; asked again when they have expired.',
      leftOut('none'),
    ),
  },
  { error: 'a map with accessKeyId, secretAccessKey, sessionToken' },
);

const s3EncryptionSchema = z
  .strictObject(
    {
      sse: key(
        z.enum(['AES256', 'aws:kms'], { error: '"AES256" or "aws:kms"' }),
        'Server-side encryption that each object must have: with the store’s keys, or with a key of AWS KMS.',
        required,
      ),
      kmsKeyId: key(
        z.optional(text('the id or ARN of a KMS key', 2048)),
        'Key of AWS KMS.',
        leftOut('the account’s default key'),
      ),
      bucketKey: key(
        z.optional(z.boolean({ error: 'true or false' })),
        'Whether to use an S3 Bucket Key, which makes far fewer (and paid) requests to KMS.',
        leftOut('as the bucket says'),
      ),
    },
    { error: 'a map with sse, kmsKeyId, bucketKey' },
  )
  .check(
    z.refine(({ sse, kmsKeyId }) => sse === 'aws:kms' || kmsKeyId === undefined, {
      error: 'kmsKeyId only with sse: aws:kms',
    }),
  );

const retentionExpected = 'a time in days, weeks or years, such as 30d, 52w or 7y';

const s3LockSchema = z
  .strictObject(
    {
      mode: key(
        z.optional(z.enum(['governance', 'compliance'], { error: '"governance" or "compliance"' })),
        'Who may shorten the retention: `governance`, who has a special permission; `compliance`, nobody.',
        leftOut('none; required with `retain`'),
      ),
      retain: key(
        z.optional(
          z.pipe(
            z.string({ error: retentionExpected }).check(
              z.regex(new RegExp(RETENTION_PATTERN), { error: retentionExpected, abort: true }),
              z.refine((value) => isWithin(parseRetentionMs(value), 1, 100 * 366 * 86_400_000), {
                error: retentionExpected,
              }),
            ),
            z.transform((value) => parseRetentionMs(value) ?? 0),
          ),
        ),
        'How long each object is locked, from when it is put; a year is 366 days.',
        leftOut('the bucket’s default retention'),
      ),
      legalHold: key(
        z.optional(z.boolean({ error: 'true or false' })),
        'Whether each object is put under legal hold, which lasts until somebody ends it.',
        leftOut('false'),
      ),
    },
    { error: 'a map with mode, retain, legalHold' },
  )
  .check(
    z.refine(({ mode, retain }) => (mode === undefined) === (retain === undefined), {
      error: 'mode and retain together, or neither',
    }),
  );

/** Header values are ASCII; what is not would be sent encoded, differently by each client. */
const printableAscii = z
  .string({ error: 'a text' })
  .check(z.regex(/^[ -~]{0,256}$/, { error: 'at most 256 printable ASCII characters' }));
const metadataKey = z.string().check(
  z.regex(/^(?!mailferry-)[a-z0-9-]{1,64}$/, {
    error: 'names of lower-case letters, digits and "-", not beginning with "mailferry-"',
  }),
);

const s3Schema = z.strictObject(
  {
    bucket: key(
      text(bucketExpected, 63).check(
        z.regex(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, { error: bucketExpected }),
      ),
      'Name of the bucket; it must be there, mailferry never makes one.',
      required,
    ),
    region: key(
      z.optional(text('a region', 64)),
      'Region of the bucket.',
      leftOut('that of the environment or the profile; with `endpoint` us-east-1'),
    ),
    endpoint: key(
      z.optional(
        z.string({ error: 'a URL' }).check(
          z.maxLength(2048),
          z.regex(/^https?:\/\/[^\s/?#@]+\/?$/, {
            error: 'a URL such as https://s3.example.net, without path, user or password',
          }),
        ),
      ),
      'URL of the store, where it is not AWS; `http:` only with `security: plaintext`.',
      leftOut('AWS, by region'),
    ),
    security: key(
      z.prefault(z.enum(['tls', 'plaintext'], { error: '"tls" or "plaintext"' }), 'tls'),
      '`tls`, or `plaintext` for an endpoint with `http:`, which shows all mail to the network.',
      byDefault('tls'),
    ),
    forcePathStyle: key(
      z.optional(z.boolean({ error: 'true or false' })),
      'Whether the bucket is named in the path of the URL instead of its host name.',
      leftOut('true with `endpoint`, otherwise false'),
    ),
    key: key(
      z.optional(text('a key', 1024)),
      'Key of each object; holds {sha256} (with the number of the copy, where equal messages are several) and {accountKey} or {account}; may hold {shard}, {user}, {host}, {domain}.',
      leftOut('mail/{shard}/{accountKey}/{sha256}.eml'),
    ),
    credentials: key(
      z.optional(s3CredentialsSchema),
      'Access key for the store.',
      leftOut('AWS’s chain: environment, profile, web identity, role of the instance'),
    ),
    storageClass: key(
      z.optional(
        text('a storage class such as STANDARD_IA', 64).check(
          z.regex(/^[A-Z0-9_-]+$/, { error: 'a storage class such as STANDARD_IA' }),
        ),
      ),
      'Storage class of each object.',
      leftOut('the bucket’s'),
    ),
    encryption: key(
      z.optional(s3EncryptionSchema),
      'Encryption that each object must have.',
      leftOut('as the bucket says'),
    ),
    objectLock: key(
      z.optional(s3LockSchema),
      'Object Lock of each object; the bucket must have been made with it.',
      leftOut('as the bucket says'),
    ),
    metadata: key(
      z.optional(z.record(metadataKey, printableAscii, { error: 'a map of texts' })),
      'Further metadata of each object, shown to whoever may read it.',
      leftOut('none'),
    ),
    tags: key(
      z.optional(
        z
          .record(
            z.string().check(z.minLength(1), z.maxLength(128)),
            z.string({ error: 'a text' }).check(z.maxLength(256)),
            {
              error: 'a map of texts',
            },
          )
          .check(z.refine((tags) => Object.keys(tags).length <= 10, { error: 'at most 10 tags' })),
      ),
      'Tags of each object.',
      leftOut('none'),
    ),
    verify: key(
      z.optional(z.enum(['checksum', 'read'], { error: '"checksum" or "read"' })),
      'How each object is proved after its put: by the store’s own SHA-256 where a probe shows that it is to be believed, else by getting the octets back; or always by getting them back.',
      leftOut(
        'checksum where the job reads back, else the answer to the put counts, as durable and not verified, where a probe shows that it proves the octets',
      ),
    ),
    multipartOver: key(
      z.prefault(
        size(0).check(
          z.refine((octets) => octets <= LARGEST_PUT_OCTETS, {
            error: 'at most 5GiB, which is the most that S3 takes at once',
          }),
        ),
        '64MiB',
      ),
      'A message that is larger goes up in parts of 16 MiB, and is read back in any case.',
      byDefault('64MiB'),
    ),
    manifest: key(
      z.prefault(z.boolean({ error: 'true or false' }), false),
      'Whether each account and run also leaves an object that lists what was stored, chained to the one before by its digest.',
      leftOut('false'),
    ),
  },
  { error: 'a map with bucket and where it is' },
);

const sinkSchema = z
  .strictObject(
    {
      maildir: key(
        z.optional(text('a path')),
        'Folder of a Maildir, relative to the job file; may hold {account}, {user}, {host}, {domain}.',
        leftOut('none'),
      ),
      mbox: key(
        z.optional(text('a path')),
        'File in mbox format (mboxrd), relative to the job file; may hold {account}, {user}, {host}, {domain}, and must differ for each account.',
        leftOut('none'),
      ),
      s3: key(
        z.optional(s3Schema),
        'Bucket of an object store that speaks S3; an object for each message.',
        leftOut('none'),
      ),
    },
    { error: 'a map with maildir, mbox or s3' },
  )
  .check(
    z.refine((sink) => Object.values(sink).filter((kind) => kind !== undefined).length === 1, {
      error: 'exactly one of maildir, mbox, s3',
    }),
    z.meta(oneKeyOnly),
  );

const selectSchema = z.strictObject(
  {
    olderThan: key(
      z.optional(duration()),
      'Only messages whose `Date:` is at least so long ago; costs one TOP for each message.',
      leftOut('no limit'),
    ),
    newerThan: key(
      z.optional(duration()),
      'Only messages whose `Date:` is at most so long ago; costs one TOP for each message.',
      leftOut('no limit'),
    ),
    largerThan: key(z.optional(size(0)), 'Only messages of more octets than this.', leftOut('no limit')),
    smallerThan: key(z.optional(size(1)), 'Only messages of fewer octets than this.', leftOut('no limit')),
  },
  { error: 'a map with olderThan, newerThan, largerThan, smallerThan' },
);

const deleteSchema = z.strictObject(
  {
    after: key(
      z.prefault(
        z.literal('verified', {
          error: '"verified", the only choice: a message is deleted after every sink has proved it',
        }),
        'verified',
      ),
      'When a message may be deleted at the server: after every sink has proved by reading back that it holds it.',
      byDefault('verified'),
    ),
    age: key(
      z.prefault(
        z.union([z.literal(0), duration()], { error: '0, or a duration with its unit, such as 12h or 7d' }),
        0,
      ),
      'Least time between that proof and the deletion.',
      byDefault(0),
    ),
    max: key(
      z.optional(count(0, 10_000_000)),
      'Most messages of an account that one run deletes, oldest first.',
      leftOut('no limit'),
    ),
    maxPercent: key(
      z.optional(percent()),
      'Guard: is a larger share of the listed messages due, nothing is deleted and the account fails.',
      leftOut('no guard'),
    ),
  },
  { error: 'a map with after, age, max, maxPercent' },
);

const keepSchema = z.strictObject(
  {
    newest: key(
      z.optional(count(0, 10_000_000)),
      'So many of the newest messages stay.',
      leftOut('no limit'),
    ),
    for: key(
      z.optional(duration()),
      'A message stays for so long after it was first seen at the server.',
      leftOut('no limit'),
    ),
    below: key(
      z.optional(size(0)),
      'Messages stay as long as the maildrop is not larger than this; the oldest go first.',
      leftOut('no limit'),
    ),
  },
  { error: 'a map with newest, for, below' },
);

const wait = (otherwise: string) => z.prefault(duration(MAX_WAIT_MS), otherwise);

const limitsSchema = z.strictObject(
  {
    accounts: key(z.prefault(count(1, 1_000), 8), 'Accounts at the same time.', byDefault(8)),
    perHost: key(z.prefault(count(1, 1_000), 4), 'Accounts at the same time on one host.', byDefault(4)),
    loginsPerMinute: key(
      z.optional(count(1, 60_000)),
      'Logins on one host in a minute, evenly spaced, over all accounts.',
      leftOut('as fast as they come'),
    ),
    pipeline: key(
      z.prefault(count(1, 1_000), 512),
      'Most commands in flight in one session, where the server announces PIPELINING.',
      byDefault(512),
    ),
    bytesPerSession: key(
      z.optional(size(1)),
      'Octets of messages that one session fetches; then it ends in order, and the next goes on. A larger message goes alone.',
      leftOut('no limit'),
    ),
    messagesPerSession: key(
      z.optional(count(1, 10_000_000)),
      'Messages that one session fetches; then it ends in order, and the next goes on.',
      leftOut('no limit'),
    ),
    bytesPerDay: key(
      z.optional(size(1)),
      'Octets of messages that are fetched of one account on one day (UTC), over all runs; the rest waits for the next day. A larger message goes alone.',
      leftOut('no limit'),
    ),
    bandwidth: key(
      z.optional(rate()),
      'Octets per second that all sessions together read, smoothed by short pauses; bytes, not bits.',
      leftOut('no limit'),
    ),
    timeout: key(
      wait('60s'),
      'Longest silence in the middle of an answer; not the length of a transfer.',
      byDefault('60s'),
    ),
    patience: key(
      wait('60s'),
      'Longest wait for a lock, a delay or a server that does not answer, before an account is left to the next run.',
      byDefault('60s'),
    ),
    connectTimeout: key(wait('30s'), 'Longest wait for a connection, TLS included.', byDefault('30s')),
    greetingTimeout: key(wait('60s'), 'Longest wait for the server’s greeting.', byDefault('60s')),
    loginTimeout: key(
      wait('5m'),
      'Longest wait for each answer of the login; some servers delay it on purpose.',
      byDefault('5m'),
    ),
    firstOctetTimeout: key(
      wait('5m'),
      'Longest wait from a command to the first octet of its answer.',
      byDefault('5m'),
    ),
    sessionTimeout: key(
      z.prefault(
        z.union(
          [
            z.pipe(
              z.literal('none'),
              z.transform(() => undefined),
            ),
            duration(MAX_WAIT_MS),
          ],
          {
            error: '"none", or a duration such as 2h, at most 24d',
          },
        ),
        'none',
      ),
      'Longest life of one session, or `none`.',
      byDefault('none'),
    ),
    attempts: key(
      z.prefault(count(1, 1_000), 3),
      'Runs in which a message may fail through itself; then it is quarantined, until `run --retry quarantined`.',
      byDefault(3),
    ),
    partSize: key(
      z.prefault(size(0, MAX_PART_OCTETS), '256KiB'),
      'Most that is kept, for inspection, of what arrived of a message that failed: its first and its last part. 0 keeps none.',
      byDefault('256KiB'),
    ),
    memory: key(
      z.prefault(size(0), '64MiB'),
      'Memory for messages larger than 2 MiB while they pass through, over all accounts; one that finds no room there goes through a file in the state folder. 0: all do.',
      byDefault('64MiB'),
    ),
  },
  { error: 'a map of limits' },
);

const nameExpected = 'a name of letters, digits, ".", "_" and "-", not beginning with a dot';
const nameSchema = text(nameExpected, 64).check(
  z.regex(/^[A-Za-z0-9_-][A-Za-z0-9._-]*$/, { error: nameExpected }),
);
const defaultsSchema = z.strictObject(connectionKeys, { error: 'a map with keys of an account' });

const jobSchema = z
  .strictObject(
    {
      $schema: key(
        z.optional(text('the address of a JSON Schema')),
        'For editors; not read.',
        leftOut('none'),
      ),
      name: key(
        nameSchema,
        'Name of the job, in reports and in the default of `state`: letters, digits, `.`, `_`, `-`.',
        required,
      ),
      state: key(
        z.optional(text('the path of a folder')),
        'Folder for the ledger and the spool, relative to the job file. Never share it between jobs.',
        leftOut('.mailferry/<name> beside the job file'),
      ),
      accounts: key(
        z
          .array(accountEntrySchema, { error: accountsExpected })
          .check(
            z.minLength(1, { error: accountsExpected }),
            z.maxLength(MAX_ACCOUNT_ENTRIES, { error: `at most ${MAX_ACCOUNT_ENTRIES} entries` }),
          ),
        'The maildrops to archive: each one described here, or many from a CSV file.',
        required,
      ),
      defaults: key(
        z.prefault(defaultsSchema, {}),
        'Keys for every account that does not give them itself, in CSV files too.',
        leftOut('none'),
      ),
      sinks: key(
        z
          .array(sinkSchema, { error: 'a list with at least one sink' })
          .check(
            z.minLength(1, { error: 'a list with at least one sink' }),
            z.maxLength(MAX_SINKS, { error: `at most ${MAX_SINKS} sinks` }),
          ),
        'Where each message goes: all of them, each with its own proof.',
        required,
      ),
      select: key(
        z.prefault(selectSchema, {}),
        'Which messages to archive; the others are counted as skipped.',
        leftOut('all messages'),
      ),
      verify: key(
        z.optional(z.enum(['readback', 'none'], { error: 'readback or none' })),
        'Whether each message is read back from every sink before it counts: `readback` or `none`.',
        leftOut('readback where the job deletes, else none'),
      ),
      delete: key(
        z.optional(deleteSchema),
        'What is deleted at the server, and when.',
        leftOut('nothing is ever deleted'),
      ),
      keep: key(
        z.optional(keepSchema),
        'What stays at the server although it might be deleted; goes with `delete`.',
        leftOut('nothing beyond the rules of `delete`'),
      ),
      limits: key(
        z.prefault(limitsSchema, {}),
        'How much at once, and how long to wait.',
        leftOut('the default of each key'),
      ),
    },
    { error: 'a map with name, accounts and sinks' },
  )
  .check(
    z.meta({
      title: 'mailferry job',
      description: 'A job definition of mailferry: which POP3 maildrops to archive, and where to.',
    }),
  );

export type RawJob = z.output<typeof jobSchema>;
export type RawAccount = z.output<typeof accountSchema>;
export type RawAccountEntry = z.output<typeof accountEntrySchema>;
export type RawDefaults = z.output<typeof defaultsSchema>;
export type RawPassword = z.output<typeof passwordSchema>;
export type RawOauth = z.output<typeof oauthSchema>;
export type RawSecret = z.output<typeof secretSchema>;
export type RawProxy = z.output<typeof proxySchema>;
export type RawSink = z.output<typeof sinkSchema>;
export type RawS3 = z.output<typeof s3Schema>;
export type RawSelect = z.output<typeof selectSchema>;
export type RawDelete = z.output<typeof deleteSchema>;
export type RawKeep = z.output<typeof keepSchema>;
export type RawLimits = z.output<typeof limitsSchema>;

/** What a shape check finds wrong; `path` is relative to what was checked. */
export interface Checked<T> {
  /** The value with its defaults; undefined where there are issues. */
  readonly value: T | undefined;
  readonly issues: readonly ShapeIssue[];
}

export const checkJob = (data: unknown): Checked<RawJob> => check(jobSchema, data);
export const checkName = (data: unknown): Checked<string> => check(nameSchema, data);
export const checkAccount = (data: unknown): Checked<RawAccount> => check(accountSchema, data);
export const checkAccountEntry = (data: unknown): Checked<RawAccountEntry> => check(accountEntrySchema, data);
export const checkDefaults = (data: unknown): Checked<RawDefaults> => check(defaultsSchema, data);
export const checkSink = (data: unknown): Checked<RawSink> => check(sinkSchema, data);
export const checkSelect = (data: unknown): Checked<RawSelect> => check(selectSchema, data);
export const checkDelete = (data: unknown): Checked<RawDelete> => check(deleteSchema, data);
export const checkKeep = (data: unknown): Checked<RawKeep> => check(keepSchema, data);
export const checkLimits = (data: unknown): Checked<RawLimits> => check(limitsSchema, data);

function check<T>(schema: z.ZodMiniType<T>, data: unknown): Checked<T> {
  const result = schema.safeParse(data);
  return result.success
    ? { value: result.data, issues: [] }
    : { value: undefined, issues: toShapeIssues(result.error.issues) };
}

/** The keys that each kind of map may have, by the place's pattern (see `patternOf`): what a mistyped key is compared with. */
export const KNOWN_KEYS: ReadonlyMap<string, readonly string[]> = new Map([
  ['', Object.keys(jobSchema.shape)],
  ['accounts[]', Object.keys(accountEntrySchema.shape)],
  ['accounts[].tls', Object.keys(tlsSchema.shape)],
  ['accounts[].tls.passphrase', Object.keys(secretKeys)],
  ['accounts[].password', Object.keys(passwordKeys)],
  ['accounts[].password.oauth', Object.keys(oauthKeys)],
  ['accounts[].password.oauth.clientSecret', Object.keys(secretKeys)],
  ['accounts[].password.oauth.refreshToken', Object.keys(secretKeys)],
  ['defaults.password.oauth', Object.keys(oauthKeys)],
  ['defaults.password.oauth.clientSecret', Object.keys(secretKeys)],
  ['defaults.password.oauth.refreshToken', Object.keys(secretKeys)],
  ['accounts[].proxy', ['url', 'user', 'password']],
  ['accounts[].proxy.password', Object.keys(secretKeys)],
  ['defaults.proxy', ['url', 'user', 'password']],
  ['defaults.proxy.password', Object.keys(secretKeys)],
  ['defaults', Object.keys(defaultsSchema.shape)],
  ['defaults.tls', Object.keys(tlsSchema.shape)],
  ['defaults.tls.passphrase', Object.keys(secretKeys)],
  ['defaults.password', Object.keys(passwordKeys)],
  ['sinks[]', Object.keys(sinkSchema.shape)],
  ['sinks[].s3', Object.keys(s3Schema.shape)],
  ['sinks[].s3.credentials', Object.keys(s3CredentialsSchema.shape)],
  ['sinks[].s3.credentials.secretAccessKey', Object.keys(secretKeys)],
  ['sinks[].s3.credentials.sessionToken', Object.keys(secretKeys)],
  ['sinks[].s3.encryption', Object.keys(s3EncryptionSchema.shape)],
  ['sinks[].s3.objectLock', Object.keys(s3LockSchema.shape)],
  ['select', Object.keys(selectSchema.shape)],
  ['delete', Object.keys(deleteSchema.shape)],
  ['keep', Object.keys(keepSchema.shape)],
  ['limits', Object.keys(limitsSchema.shape)],
]);

/** The JSON Schema (draft 7, which editors know best) of what may be written in a job file, as the text of its file. */
export function jsonSchemaText(): string {
  return `${JSON.stringify(z.toJSONSchema(jobSchema, { io: 'input', target: 'draft-7' }), null, 2)}\n`;
}
