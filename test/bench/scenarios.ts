import type { Security, Store } from './contender.ts';
import type { Sizes } from './mail.ts';

/** One table of the bench. */
export interface Scenario {
  readonly name: string;
  readonly title: string;
  readonly messages: number;
  readonly sizes: Sizes;
  readonly store: Store;
  readonly security: Security;
}

const MAIL = [
  { word: '4k', title: '4 KB each', messages: 10_000, sizes: { kind: 'fixed', octets: 4096 } },
  { word: 'realistic', title: 'realistic sizes', messages: 5_000, sizes: { kind: 'realistic' } },
] as const;

/** Against a bare loop over the SDK, not against other programs. */
export const S3_SCENARIO = { name: 's3-4k', messages: 10_000 } as const;

export const SCENARIOS: readonly Scenario[] = MAIL.flatMap((mail) =>
  (['maildir', 'mbox'] as const).flatMap((store) =>
    (['plaintext', 'tls'] as const).map((security) => ({
      name: `${mail.word}-${store}-${security}`,
      title: `${mail.title}, ${store === 'maildir' ? 'Maildir' : 'mbox'}, ${security === 'tls' ? 'TLS' : 'clear text'}`,
      messages: mail.messages,
      sizes: mail.sizes,
      store,
      security,
    })),
  ),
);
