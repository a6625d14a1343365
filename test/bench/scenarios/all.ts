/** All scenarios in the order of the tables, and what each has to reach. */
import type { Mail } from '../mail/maildrops.ts';
import { crowdScenario } from './crowd.ts';
import { distantScenario } from './distant.ts';
import { fetchScenario } from './fetch.ts';
import { CROWD, DISTANT, LARGE, NIGHTLY, REALISTIC, SMALL } from './mail.ts';
import { nightlyScenario } from './nightly.ts';
import { s3Scenario } from './s3.ts';
import type { Amounts, Scenario } from './scenario.ts';
import { emptyScenario, startScenario } from './start.ts';

const ACCOUNTS = 200;

const FETCHED = [
  { mail: SMALL, title: '4 KB each', securities: ['plaintext', 'tls'] },
  { mail: REALISTIC, title: 'realistic sizes', securities: ['plaintext', 'tls'] },
  { mail: LARGE, title: '25 MB each', securities: ['plaintext'] },
] as const;

export function allScenarios(amounts: Amounts = {}): readonly Scenario[] {
  const sized = (mail: Mail): Mail => ({ ...mail, messages: amounts.messages ?? mail.messages });
  const fetched = FETCHED.flatMap(({ mail, title, securities }) =>
    (['maildir', 'mbox'] as const).flatMap((store) =>
      securities.map((security) =>
        fetchScenario({
          name: `${mail.word}-${store}-${security}`,
          title: `${title}, ${store === 'maildir' ? 'Maildir' : 'mbox'}, ${security === 'tls' ? 'TLS' : 'clear text'}`,
          ...{ mail: sized(mail), store, security },
        }),
      ),
    ),
  );
  const distant = sized(DISTANT);
  return [
    ...fetched,
    ...(['maildir', 'mbox'] as const).map((store) =>
      crowdScenario({
        name: `crowd-${store}`,
        accounts: amounts.accounts ?? ACCOUNTS,
        mail: sized(CROWD),
        store,
      }),
    ),
    nightlyScenario('nightly', sized(NIGHTLY)),
    distantScenario({ name: 'distant-50ms', mail: distant, roundTripMs: 50, hasSlowPeers: true }),
    distantScenario({ name: 'distant-200ms', mail: distant, roundTripMs: 200, hasSlowPeers: false }),
    s3Scenario('s3', amounts.messages ?? SMALL.messages),
    startScenario('start'),
    emptyScenario('empty'),
  ];
}
