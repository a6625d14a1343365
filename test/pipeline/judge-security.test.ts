import { describe, expect, it } from 'vitest';
import { type Grade, type Judgement, judgeSecurity } from '../../src/pipeline/judge-security.ts';
import type { LineFacts, SecurityFacts } from '../../src/pipeline/survey-security.ts';
import type { CertificateFacts, TlsSurvey, TlsVersion, VersionAnswer } from '../../src/pop3/tls-survey.ts';

const NOW = Date.UTC(2026, 10, 21);
const DAY_MS = 86_400_000;

const CERTIFICATE: CertificateFacts = {
  subject: 'CN=pop.example.net',
  issuer: 'CN=An Authority',
  names: ['pop.example.net'],
  validFrom: new Date(NOW - 10 * DAY_MS),
  validTo: new Date(NOW + 60 * DAY_MS),
  key: { type: 'ec', bits: 256 },
  fingerprint: 'sha256:00',
  trouble: undefined,
};

const LINE: LineFacts = {
  greeting: 'ready',
  hasApop: false,
  capabilities: ['TOP', 'UIDL', 'PIPELINING', 'RESP-CODES', 'AUTH-RESP-CODE', 'UTF8', 'STLS'],
  mechanisms: ['SCRAM-SHA-256'],
};

function survey(answers: Partial<Record<TlsVersion, VersionAnswer>> = {}, certificate = {}): TlsSurvey {
  const versions = {
    TLSv1: 'refused',
    'TLSv1.1': 'refused',
    'TLSv1.2': 'accepted',
    'TLSv1.3': 'accepted',
    ...answers,
  } as const;
  return { versions, certificate: { ...CERTIFICATE, ...certificate } };
}

const SECURED: SecurityFacts = { security: 'tls', clear: undefined, secured: LINE, tls: survey() };
const STARTTLS: SecurityFacts = { ...SECURED, security: 'starttls', clear: { ...LINE, mechanisms: [] } };
const PLAIN: SecurityFacts = { ...STARTTLS, security: 'plaintext' };

function find(facts: SecurityFacts, about: Judgement['about']): Judgement | undefined {
  return judgeSecurity(facts, NOW).find((judgement) => judgement.about === about);
}

function grades(facts: SecurityFacts): Record<string, Grade> {
  return Object.fromEntries(judgeSecurity(facts, NOW).map(({ about, grade }) => [about, grade]));
}

it('a server that does everything right is good throughout, and nothing is to be done', () => {
  for (const facts of [SECURED, STARTTLS]) {
    const judgements = judgeSecurity(facts, NOW);
    expect(judgements.filter(({ grade }) => grade !== 'good')).toEqual([]);
    expect(new Set(judgements.map(({ advice }) => advice))).toEqual(new Set(['nothing to do']));
  }
  expect(find(SECURED, 'clear-text-login')).toBeUndefined();
  expect(find(STARTTLS, 'clear-text-login')).toMatchObject({ grade: 'good', finding: 'refused before TLS' });
});

it('each finding that is not good comes with one sentence of what to do', () => {
  const worst: SecurityFacts = {
    security: 'plaintext',
    clear: { greeting: '', hasApop: true, capabilities: ['USER'], mechanisms: ['USER-PASS'] },
    secured: undefined,
    tls: survey({ TLSv1: 'accepted' }, { trouble: 'is self-signed', validTo: new Date(NOW - 1) }),
  };
  const found = judgeSecurity(worst, NOW).filter(({ grade }) => grade !== 'good');
  expect(found.length).toBeGreaterThan(5);
  for (const { advice } of found) expect(advice).not.toBe('nothing to do');
});

describe('encryption', () => {
  it.each<[string, SecurityFacts, Grade, RegExp]>([
    ['TLS from the first octet', SECURED, 'good', /first octet/],
    ['a clear line where STLS would work', PLAIN, 'mind', /STLS is offered and works/],
    ['no STLS', { ...PLAIN, tls: undefined }, 'bad', /no STLS/],
    [
      'RFC-6: STLS that is announced and does not work',
      {
        ...PLAIN,
        tls: {
          versions: survey({ 'TLSv1.2': 'refused', 'TLSv1.3': 'refused' }).versions,
          certificate: undefined,
        },
      },
      'bad',
      /does not work/,
    ],
  ])('%s', (_, facts, grade, finding) => {
    expect(find(facts, 'encryption')).toMatchObject({ grade, finding: expect.stringMatching(finding) });
  });
});

describe('RFC-10: TLS versions', () => {
  it.each<[string, Partial<Record<TlsVersion, VersionAnswer>>, Grade]>([
    ['1.2 and 1.3 alone', {}, 'good'],
    ['1.2 alone', { 'TLSv1.3': 'refused' }, 'good'],
    ['1.0 beside them', { TLSv1: 'accepted' }, 'mind'],
    ['1.1 beside them', { 'TLSv1.1': 'accepted' }, 'mind'],
    ['old ones only', { 'TLSv1.1': 'accepted', 'TLSv1.2': 'refused', 'TLSv1.3': 'refused' }, 'bad'],
    ['none', { 'TLSv1.2': 'refused', 'TLSv1.3': 'refused' }, 'bad'],
    ['none that is known', { 'TLSv1.2': 'unknown', 'TLSv1.3': 'unknown' }, 'bad'],
  ])('%s', (_, answers, grade) => {
    expect(find({ ...SECURED, tls: survey(answers) }, 'tls-versions')?.grade).toBe(grade);
  });

  it('what could not be asked is told as such', () => {
    const finding = find({ ...SECURED, tls: survey({ TLSv1: 'unknown' }) }, 'tls-versions')?.finding;
    expect(finding).toBe('accepted: 1.2, 1.3; not known: 1.0');
  });
});

describe('certificate', () => {
  it.each<[string, object, Judgement['about'], Grade, RegExp]>([
    ['an issuer that nobody knows', { trouble: 'is self-signed' }, 'certificate', 'bad', /it is self-signed/],
    ['expired', { validTo: new Date(NOW - 1) }, 'certificate-life', 'bad', /expired on 2026-11-20/],
    ['not valid yet', { validFrom: new Date(NOW + DAY_MS) }, 'certificate-life', 'bad', /not valid before/],
    ['a day left', { validTo: new Date(NOW + DAY_MS) }, 'certificate-life', 'mind', /^1 day left/],
    ['13 days left', { validTo: new Date(NOW + 13.5 * DAY_MS) }, 'certificate-life', 'mind', /^13 days left/],
    ['14 days left', { validTo: new Date(NOW + 14 * DAY_MS) }, 'certificate-life', 'good', /^14 days left/],
    ['RSA of 1024 bits', { key: { type: 'rsa', bits: 1024 } }, 'certificate-key', 'bad', /rsa, 1024/],
    ['RSA of 2048 bits', { key: { type: 'rsa', bits: 2048 } }, 'certificate-key', 'good', /rsa, 2048/],
    ['a curve of 192 bits', { key: { type: 'ec', bits: 192 } }, 'certificate-key', 'bad', /ec, 192/],
    ['Ed25519', { key: { type: 'ed25519', bits: undefined } }, 'certificate-key', 'good', /^ed25519$/],
    ['a key of no known kind', { key: { type: 'dsa', bits: undefined } }, 'certificate-key', 'mind', /dsa/],
  ])('%s', (_, certificate, about, grade, finding) => {
    const judgement = find({ ...SECURED, tls: survey({}, certificate) }, about);
    expect(judgement).toMatchObject({ grade, finding: expect.stringMatching(finding) });
  });

  it('a certificate that is not trusted shows its fingerprint, to be pinned', () => {
    const tls = survey({}, { trouble: 'is for another name' });
    expect(find({ ...SECURED, tls }, 'certificate')?.advice).toContain('sha256:00');
  });

  it('one for many names shows some of them', () => {
    const names = Array.from({ length: 20 }, (_, index) => `n${index}.example.net`);
    const finding = find({ ...SECURED, tls: survey({}, { names }) }, 'certificate')?.finding;
    expect(finding).toContain('n7.example.net, …');
    expect(finding).not.toContain('n8.');
  });
});

describe('RFC-4: clear-text login', () => {
  const offering = { ...LINE, mechanisms: ['PLAIN', 'CRAM-MD5', 'USER-PASS'] };

  it('offered beside STLS is to be minded, without STLS it is bad', () => {
    const facts = { ...STARTTLS, clear: offering };
    expect(find(facts, 'clear-text-login')).toMatchObject({
      grade: 'mind',
      finding: 'offered before TLS: PLAIN, USER-PASS',
    });
    expect(find({ ...facts, tls: undefined }, 'clear-text-login')?.grade).toBe('bad');
  });

  it('of a server that announces nothing is not known', () => {
    const clear = { ...LINE, capabilities: undefined, mechanisms: ['USER-PASS'] };
    expect(find({ ...STARTTLS, clear }, 'clear-text-login')).toMatchObject({
      grade: 'mind',
      finding: expect.stringMatching(/not known/),
    });
  });
});

describe('logins', () => {
  const withMechanisms = (...mechanisms: string[]): SecurityFacts => ({
    ...SECURED,
    secured: { ...LINE, mechanisms },
  });

  it('Q57: APOP is called weak', () => {
    const facts = { ...SECURED, secured: { ...LINE, hasApop: true } };
    expect(find(facts, 'apop')).toMatchObject({ grade: 'mind', finding: expect.stringMatching(/MD5/) });
  });

  it.each<[string, string[], Grade, RegExp]>([
    ['SCRAM', ['PLAIN', 'SCRAM-SHA-1'], 'good', /SCRAM-SHA-1 \(strong\)/],
    ['tokens', ['XOAUTH2', 'PLAIN'], 'good', /XOAUTH2 \(token\)/],
    ['passwords behind TLS', ['PLAIN', 'USER-PASS'], 'good', /PLAIN \(password\)/],
    ['MD5 alone', ['CRAM-MD5'], 'mind', /CRAM-MD5 \(weak\)/],
    ['names that nobody knows', ['X-HOUSE'], 'mind', /X-HOUSE \(unknown\)/],
    ['none', [], 'bad', /none announced/],
  ])('mechanisms: %s', (_, mechanisms, grade, finding) => {
    expect(find(withMechanisms(...mechanisms), 'mechanisms')).toMatchObject({
      grade,
      finding: expect.stringMatching(finding),
    });
  });

  it('are judged behind TLS where that was seen, and nothing is said of a line that nobody saw', () => {
    expect(find(PLAIN, 'mechanisms')?.finding).toContain('SCRAM');
    const unseen = grades({ ...SECURED, secured: undefined });
    expect(Object.keys(unseen)).not.toContain('mechanisms');
  });
});

describe('extensions', () => {
  const announcing = (...capabilities: string[]): SecurityFacts => ({
    ...SECURED,
    secured: { ...LINE, capabilities },
  });

  it('what is there and what is not are both named', () => {
    expect(find(announcing('UIDL', 'TOP', 'LOGIN-DELAY 300'), 'extensions')).toMatchObject({
      grade: 'good',
      finding: 'UIDL, TOP; without PIPELINING, RESP-CODES, AUTH-RESP-CODE, UTF8; LOGIN-DELAY 300',
    });
  });

  it.each([
    ['Q1: no UIDL', ['TOP']],
    ['Q40, RFC-62: mail that goes by itself', ['UIDL', 'EXPIRE 0']],
  ])('%s is to be minded', (_, capabilities) => {
    expect(find(announcing(...capabilities), 'extensions')?.grade).toBe('mind');
  });

  it('RFC-26: a server without CAPA is to be minded, not condemned', () => {
    const facts = { ...SECURED, secured: { ...LINE, capabilities: undefined } };
    expect(find(facts, 'extensions')?.grade).toBe('mind');
  });
});
