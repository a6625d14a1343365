/**
 * What XOAUTH2 and OAUTHBEARER share: an access token said in one message, and a refusal that comes as a challenge with JSON in it,
 * to be answered before the -ERR (RFC 7628 §3.2.2). The token is not asked for here; it is there, or it is not good.
 */
import { MailferryError } from '../../errors/mailferry-error.ts';
import { withoutSecrets } from '../command.ts';
import { ProtocolError } from '../errors.ts';
import { quote } from '../status.ts';
import { type Credentials, type SaslMechanism, secretsOf } from './mechanism.ts';

interface OauthVariant {
  readonly name: SaslMechanism['name'];
  readonly message: (credentials: Credentials, host: string, port: number) => string;
  /** What acknowledges a refusal. */
  readonly acknowledgement: string;
}

/** Always in two steps: Microsoft refuses the token beside AUTH, and most tokens would not fit there (RFC 5034 §4). */
export function oauth({ name, message, acknowledgement }: OauthVariant): SaslMechanism {
  return {
    name,
    secretAt: 0,
    isTwoStep: true,
    hint: 'give `password` a fresh access token, by `command` for one that is fetched at each run; the mailbox must allow POP, and the token must be for it',
    start(credentials, { host, port }) {
      assertTokenLike(credentials, name);
      let refusal: string | undefined;
      return {
        initialResponse: Buffer.from(message(credentials, host, port), 'utf8'),
        isComplete: () => refusal === undefined,
        explanation: () => refusal,
        respond: (challenge) => {
          if (refusal !== undefined) {
            throw new ProtocolError(`the server goes on after it has refused ${name}`);
          }
          refusal = describeRefusal(withoutSecrets(challenge.toString('utf8'), secretsOf(credentials)));
          return Buffer.from(acknowledgement, 'latin1');
        },
      };
    },
  };
}

/** RFC 6750 §2.1 has no blanks in a token, and U+0001 would end the field. */
function assertTokenLike({ user, password }: Credentials, name: string): void {
  if (!/^[\x21-\x7e]+$/.test(password) || user.includes('\u0001')) {
    throw new MailferryError(
      `${name} takes an access token; what \`password\` gives holds other characters`,
      {
        code: 'login-not-possible',
        scope: 'account',
        retry: 'never',
        hint: 'see that the source of `password` gives the token alone',
      },
    );
  }
}

/** Of RFC 6750 §3.1 and RFC 7628 §3.2.2, and the HTTP codes that Google and Microsoft send in their place. */
const STATUS_WORDS: Readonly<Record<string, string>> = {
  invalid_token: 'the access token has expired or is not valid',
  insufficient_scope: 'the access token is good, but not for this mailbox or for POP',
  invalid_scope: 'the access token is good, but not for this mailbox or for POP',
  invalid_request: 'the server does not understand the request',
  '400': 'the server does not understand the request, or the access token is not for this user',
  '401': 'the access token has expired or is not valid',
  '403': 'the access token is good, but not for this mailbox or for POP',
};

function describeRefusal(text: string): string {
  const { status, scope } = parseFields(text);
  const words = status === undefined ? undefined : STATUS_WORDS[status.toLowerCase()];
  const said = [
    ...(status === undefined ? [] : [status]),
    ...(scope === undefined ? [] : [`scope ${scope}`]),
  ];
  if (words === undefined || said.length === 0) {
    return text === '' ? 'the server does not say why' : `the server says ${quote(text)}`;
  }
  return `${words} (${quote(said.join(', ')).slice(1, -1)})`;
}

/** Texts and numbers of a JSON object; nothing of anything else. */
function parseFields(text: string): { readonly status?: string; readonly scope?: string } {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return {};
  }
  if (typeof value !== 'object' || value === null) {
    return {};
  }
  const fields = new Map<string, unknown>(Object.entries(value));
  const textOf = (key: string) => {
    const field = fields.get(key);
    return typeof field === 'string' || typeof field === 'number' ? String(field) : undefined;
  };
  const [status, scope] = [textOf('status'), textOf('scope')];
  return { ...(status !== undefined && { status }), ...(scope !== undefined && { scope }) };
}
