/**
 * Judges a server's security for the one who uses it: each finding with a grade and one sentence of what to do. A pure function
 * over facts; how they were gathered is survey-security.ts.
 */
import { type Strength, strengthOf } from '../pop3/sasl/strength.ts';
import { type CertificateFacts, TLS_VERSIONS, type TlsSurvey, type TlsVersion } from '../pop3/tls-survey.ts';
import type { LineFacts, SecurityFacts } from './survey-security.ts';

/** `mind`: no harm done by it alone, and worth a change. */
export type Grade = 'good' | 'mind' | 'bad';

export interface Judgement {
  /** A stable name, for programs. */
  readonly about:
    | 'encryption'
    | 'tls-versions'
    | 'certificate'
    | 'certificate-life'
    | 'certificate-key'
    | 'clear-text-login'
    | 'apop'
    | 'mechanisms'
    | 'extensions';
  readonly grade: Grade;
  readonly finding: string;
  /** One sentence; where all is well it says that nothing is to be done. */
  readonly advice: string;
}

const NOTHING = 'nothing to do';
const DAY_MS = 86_400_000;
/** A certificate renewed by a machine has more than this left at any time. */
const SHORT_LIFE_DAYS = 14;

/** @param now milliseconds since 1970 */
export function judgeSecurity(facts: SecurityFacts, now: number): readonly Judgement[] {
  const certificate = facts.tls?.certificate;
  return [
    judgeEncryption(facts),
    ...(facts.tls === undefined ? [] : [judgeVersions(facts.tls.versions)]),
    ...(certificate === undefined ? [] : judgeCertificate(certificate, now)),
    ...judgeClearTextLogin(facts),
    ...judgeLogins(facts),
  ];
}

function judgeEncryption({ security, tls, clear }: SecurityFacts): Judgement {
  const about = 'encryption';
  const hasTls = tls !== undefined && Object.values(tls.versions).includes('accepted');
  if (security === 'tls') {
    return hasTls
      ? { about, grade: 'good', finding: 'TLS from the first octet', advice: NOTHING }
      : {
          about,
          grade: 'bad',
          finding: 'no handshake came about',
          advice: 'run the probe again, and see whether something between here and the server stops TLS',
        };
  }
  if (hasTls) {
    const advice = security === 'starttls' ? NOTHING : 'set `security: starttls`, or `tls` with port 995';
    const grade = security === 'starttls' ? 'good' : 'mind';
    return { about, grade, finding: 'STLS is offered and works', advice };
  }
  const isOffered = tls !== undefined && clear?.capabilities !== undefined;
  return {
    about,
    grade: 'bad',
    finding: isOffered ? 'STLS is offered and does not work' : 'no STLS: this line cannot be encrypted',
    advice: 'try port 995 with `security: tls`; a password sent here can be read on the way',
  };
}

function judgeVersions(versions: TlsSurvey['versions']): Judgement {
  const about = 'tls-versions';
  const accepted = TLS_VERSIONS.filter((version) => versions[version] === 'accepted');
  const unknown = TLS_VERSIONS.filter((version) => versions[version] === 'unknown');
  const isModern = accepted.includes('TLSv1.2') || accepted.includes('TLSv1.3');
  const isOld = accepted.includes('TLSv1') || accepted.includes('TLSv1.1');
  const said = accepted.length === 0 ? 'no version is accepted' : `accepted: ${accepted.map(say).join(', ')}`;
  const doubt = unknown.length === 0 ? '' : `; not known: ${unknown.map(say).join(', ')}`;
  const finding = `${said}${doubt}`;
  if (accepted.length > 0 && !isModern && unknown.length === 0) {
    const advice = 'ask the operator for TLS 1.2 or later; mailferry speaks nothing older (RFC 8996)';
    return { about, grade: 'bad', finding, advice };
  }
  if (isOld) {
    const advice = 'tell the operator to switch TLS 1.0 and 1.1 off (RFC 8996); mailferry never uses them';
    return { about, grade: 'mind', finding, advice };
  }
  return isModern
    ? { about, grade: 'good', finding, advice: NOTHING }
    : { about, grade: 'bad', finding, advice: 'run the probe again; a session needs TLS 1.2 or later' };
}

function say(version: TlsVersion): string {
  return version === 'TLSv1' ? '1.0' : version.slice('TLSv'.length);
}

function judgeCertificate(certificate: CertificateFacts, now: number): readonly Judgement[] {
  const { names, subject, issuer, trouble } = certificate;
  const forWhom = names.length === 0 ? subject : names.slice(0, 8).join(', ');
  const finding = `for ${forWhom}${names.length > 8 ? ', …' : ''}; by ${issuer}`;
  return [
    trouble === undefined
      ? { about: 'certificate', grade: 'good', finding, advice: NOTHING }
      : {
          about: 'certificate',
          grade: 'bad',
          finding: `${finding}; it ${trouble}`,
          advice: `make sure that it is the server's own, then name its authority as \`tls.ca\` or pin it: ${certificate.fingerprint}`,
        },
    judgeLife(certificate, now),
    judgeKey(certificate.key),
  ];
}

function judgeLife({ validFrom, validTo }: CertificateFacts, now: number): Judgement {
  const about = 'certificate-life';
  const days = Math.floor((validTo.getTime() - now) / DAY_MS);
  const until = validTo.toISOString().slice(0, 10);
  if (validTo.getTime() < now) {
    const advice = 'the operator has to renew it; until then nothing can be fetched without a pin';
    return { about, grade: 'bad', finding: `expired on ${until}`, advice };
  }
  if (validFrom.getTime() > now) {
    const finding = `not valid before ${validFrom.toISOString().slice(0, 10)}`;
    return { about, grade: 'bad', finding, advice: 'check the clock of this machine, then ask the operator' };
  }
  const finding = `${days} ${days === 1 ? 'day' : 'days'} left, until ${until}`;
  return days < SHORT_LIFE_DAYS
    ? {
        about,
        grade: 'mind',
        finding,
        advice: 'see that it is renewed in time, or runs will fail from that day',
      }
    : { about, grade: 'good', finding, advice: NOTHING };
}

/** RSA below 2048 bits and curves below 224 are broken or nearly so (NIST SP 800-57 part 1, table 2). */
function judgeKey({ type, bits }: CertificateFacts['key']): Judgement {
  const about = 'certificate-key';
  const finding = bits === undefined ? type : `${type}, ${bits} bits`;
  const least = type === 'ec' ? 224 : type.startsWith('ed') ? 0 : 2048;
  if (bits !== undefined && bits < least) {
    const advice = 'ask the operator for a certificate with RSA of 2048 bits or more, or an elliptic curve';
    return { about, grade: 'bad', finding, advice };
  }
  return bits === undefined && least > 0
    ? { about, grade: 'mind', finding, advice: 'ask the operator what kind of key this is' }
    : { about, grade: 'good', finding, advice: NOTHING };
}

/** RFC 8314 §4.1: a server that takes a password before TLS trains its users to send it. */
function judgeClearTextLogin({ security, clear, tls }: SecurityFacts): readonly Judgement[] {
  const about = 'clear-text-login';
  if (security === 'tls') {
    return [];
  }
  if (clear?.capabilities === undefined) {
    const finding = 'not known: nothing is announced before TLS';
    const advice = 'keep `security: starttls` or `tls`, so that no password is ever sent before TLS';
    return [{ about, grade: 'mind', finding, advice }];
  }
  const offered = clear.mechanisms.filter((name) => strengthOf(name) === 'password');
  if (offered.length === 0) {
    return [{ about, grade: 'good', finding: 'refused before TLS', advice: NOTHING }];
  }
  const finding = `offered before TLS: ${offered.join(', ')}`;
  return tls === undefined
    ? [{ about, grade: 'bad', finding, advice: 'do not log in here; ask the operator for TLS' }]
    : [
        {
          about,
          grade: 'mind',
          finding,
          advice: 'keep `security: starttls` or `tls`, and tell the operator to refuse logins before TLS',
        },
      ];
}

/** Behind TLS where that was seen, else on the clear line. */
function judgeLogins({ clear, secured }: SecurityFacts): readonly Judgement[] {
  const line = secured ?? clear;
  return line === undefined ? [] : [judgeApop(line), judgeMechanisms(line), judgeExtensions(line)];
}

function judgeApop({ hasApop }: LineFacts): Judgement {
  const about = 'apop';
  return hasApop
    ? {
        about,
        grade: 'mind',
        finding: 'offered: MD5, and the server keeps passwords readable (CVE-2007-1558)',
        advice: 'do not set `auth: apop`; mailferry never chooses it by itself',
      }
    : { about, grade: 'good', finding: 'not offered', advice: NOTHING };
}

function judgeMechanisms({ mechanisms }: LineFacts): Judgement {
  const about = 'mechanisms';
  const has = (strength: Strength) => mechanisms.some((name) => strengthOf(name) === strength);
  const finding = mechanisms.map((name) => `${name} (${strengthOf(name)})`).join(', ') || 'none announced';
  if (has('strong') || has('token')) {
    return { about, grade: 'good', finding, advice: NOTHING };
  }
  if (has('password')) {
    const advice =
      'the password itself goes to the server: give the account one of its own, never over a clear line';
    return { about, grade: 'good', finding, advice };
  }
  return mechanisms.length === 0
    ? { about, grade: 'bad', finding, advice: 'ask the operator how to log in; it may take TLS first' }
    : { about, grade: 'mind', finding, advice: 'ask the operator for SCRAM, or PLAIN behind TLS' };
}

/** What an archive is better off with (RFC 2449, RFC 3206, RFC 6856). */
const EXTENSIONS = ['UIDL', 'TOP', 'PIPELINING', 'RESP-CODES', 'AUTH-RESP-CODE', 'UTF8'] as const;

function judgeExtensions({ capabilities }: LineFacts): Judgement {
  const about = 'extensions';
  if (capabilities === undefined) {
    const advice = 'log in with `--account` to see whether UIDL works; nothing else is used unannounced';
    return { about, grade: 'mind', finding: 'no CAPA: none is announced', advice };
  }
  const names = new Set(capabilities.map((line) => line.split(' ')[0]));
  const present = EXTENSIONS.filter((name) => names.has(name));
  const absent = EXTENSIONS.filter((name) => !names.has(name));
  const parts = [
    ...(present.length > 0 ? [present.join(', ')] : []),
    ...(absent.length > 0 ? [`without ${absent.join(', ')}`] : []),
    ...capabilities.filter((line) => /^(EXPIRE|LOGIN-DELAY)\b/.test(line)),
  ];
  const finding = parts.join('; ');
  if (!names.has('UIDL')) {
    const advice = 'log in with `--account`: many servers announce UIDL only then; without it runs are slow';
    return { about, grade: 'mind', finding, advice };
  }
  return capabilities.some((line) => /^EXPIRE \d/.test(line))
    ? {
        about,
        grade: 'mind',
        finding,
        advice: 'the server removes mail by itself (EXPIRE): run often enough',
      }
    : { about, grade: 'good', finding, advice: NOTHING };
}
