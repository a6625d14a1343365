import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { PROVIDER_NOTES, recogniseProvider } from '../../src/pipeline/known-providers.ts';

const NOBODY = { host: 'pop.example.net', greeting: 'ready', capabilities: undefined };

describe('a provider is recognised', () => {
  it.each([
    ['pop.gmail.com', 'Gmail'],
    ['POP.GMAIL.COM.', 'Gmail'],
    ['outlook.office365.com', 'Exchange Online, Outlook.com'],
    ['pop-mail.outlook.com', 'Exchange Online, Outlook.com'],
    ['pop.gmx.net', 'GMX, web.de'],
    ['pop3.web.de', 'GMX, web.de'],
    ['pop.mail.yahoo.com', 'Yahoo, AOL'],
    ['pop.aol.com', 'Yahoo, AOL'],
  ])('by its host: %s', (host, name) => {
    expect(recogniseProvider({ ...NOBODY, host })?.name).toBe(name);
  });

  it.each([
    ['Gpop ready for requests from 192.0.2.1 a1pf1', 'Gmail'],
    ['POP server ready H migmx027 0M8Bvu', 'GMX, web.de'],
    ['The Microsoft Exchange POP3 service is ready. [UwBH]', 'Microsoft Exchange Server'],
    ['Dovecot (Debian) ready.', 'Dovecot'],
    ['pop.example.net Cyrus POP3 v3.6.1 server ready <1@x>', 'Cyrus'],
    ['Hello there.', 'Courier'],
  ])('by its greeting: %s', (greeting, name) => {
    expect(recogniseProvider({ ...NOBODY, greeting })?.name).toBe(name);
  });

  it('by one line of CAPA', () => {
    const capabilities = ['TOP', 'X-GOOGLE-RICO'];
    expect(recogniseProvider({ ...NOBODY, capabilities })?.name).toBe('Gmail');
  });

  it('by its host before the program that it runs', () => {
    const greeting = 'The Microsoft Exchange POP3 service is ready.';
    const found = recogniseProvider({ ...NOBODY, greeting, host: 'outlook.office365.com' });
    expect(found?.name).toBe('Exchange Online, Outlook.com');
  });
});

it.each([
  ['nobody', NOBODY],
  ['a name that only ends like one', { ...NOBODY, host: 'notgmail.com' }],
  ['a name that only begins like one', { ...NOBODY, host: 'gmail.com.example.net' }],
])('%s is not recognised', (_, signs) => {
  expect(recogniseProvider(signs)).toBeUndefined();
});

it('each provider has its notes in the documentation', () => {
  const text = readFileSync(new URL('../../docs/providers.md', import.meta.url), 'utf8');
  // As the usual renderers make anchors of headings.
  const anchors = [...text.matchAll(/^## (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\w\- ]/g, '')
      .replaceAll(' ', '-'),
  );
  for (const notes of PROVIDER_NOTES) expect(anchors).toContain(notes);
});
