/**
 * What `probe` tells of a server, as text: how it shows itself, what its provider is known for, and how safe it is. Pure.
 */
import type { Judgement } from '../pipeline/judge-security.ts';
import type { KnownProvider } from '../pipeline/known-providers.ts';
import type { InsideReport, ProbeReport } from '../pipeline/probe-server.ts';
import type { TlsSurvey } from '../pop3/tls-survey.ts';
import { formatCount, formatOctets, printable } from '../report/format.ts';

export interface ProbeResult {
  readonly target: string;
  /** Null where no session came about for want of a trusted certificate. */
  readonly session: ProbeReport | null;
  readonly provider: KnownProvider | null;
  readonly security: {
    readonly judgements: readonly Judgement[];
    readonly tls: TlsSurvey | null;
  };
}

type Line = readonly [name: string, value: string];

export function renderProbe({ target, session, provider, security }: ProbeResult): string {
  const lines: readonly Line[] = [
    ...(session === null ? [] : sessionLines(session)),
    ...(provider === null ? [] : providerLines(provider)),
  ];
  return [
    printable(target),
    ...lines.map(([name, value]) => `  ${name.padEnd(13)} ${printable(value)}`),
    '  security',
    ...security.judgements.flatMap(judgementLines),
  ].join('\n');
}

function sessionLines({ greeting, hasApop, tls, capabilities, mechanisms, inside }: ProbeReport): Line[] {
  const ways = [...mechanisms, ...(hasApop ? ['APOP (weak; only when named)'] : [])];
  return [
    ['greeting', greeting],
    ['TLS', tls === undefined ? 'none' : `${tls.protocol}, ${tls.cipher}`],
    ...(tls === undefined
      ? []
      : ([
          [
            'certificate',
            `${tls.subject}; by ${tls.issuer}; until ${tls.validTo.toISOString().slice(0, 10)}`,
          ],
          ['fingerprint', tls.fingerprint],
        ] as const)),
    ['capabilities', capabilities?.join(', ') ?? 'no CAPA: nothing is announced'],
    ['login', ways.join(', ') || 'none announced'],
    ...(inside === undefined ? [] : insideLines(inside)),
  ];
}

function insideLines({ capabilities, messages, octets, hasUidl, warnings }: InsideReport): Line[] {
  return [
    ['after login', capabilities?.join(', ') ?? 'no CAPA'],
    ['messages', `${formatCount(messages)}, ${formatOctets(octets)}`],
    ['unique-ids', hasUidl ? 'yes' : 'no UIDL: messages are recognised by size and header'],
    ...warnings.map((text): Line => ['warning', text]),
  ];
}

function providerLines({ name, notes, mind }: KnownProvider): Line[] {
  return [
    ['looks like', `${name}; see docs/providers.md#${notes}`],
    ...mind.map((text): Line => ['to mind', text]),
  ];
}

function judgementLines({ about, grade, finding, advice }: Judgement): string[] {
  const line = `    ${grade.padEnd(4)}  ${about.padEnd(16)}  ${printable(finding)}`;
  return grade === 'good' ? [line] : [line, `${' '.repeat(28)}${printable(advice)}`];
}
