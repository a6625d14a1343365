/** What each scenario has to reach, by its name; see docs/performance.md. A scenario without an entry is told against mpop and not judged. */
import { BARE_PUT, FLOOR, SIDE_BY_SIDE } from './names.ts';
import type { Judgement } from './scenario.ts';

const MPOP = ['mpop'];
const PEERS = ['mpop', 'fetchmail (bsmtp, no fsync)', 'fdm', 'getmail6'];
/** Over TLS the same ratios are the goal, and eight tenths of them a must. */
const TLS_SHARE = 0.8;

const speed = (goal: number, must: number) => ({ figure: 'speed', goal, must }) as const;
const peak = (goal: number, must: number) => ({ figure: 'peak MB', goal, must }) as const;

const JUDGEMENTS: Readonly<Record<string, Judgement>> = {
  '4k-maildir-plaintext': { yardstick: MPOP, targets: [speed(3, 2.2)] },
  '4k-maildir-tls': { yardstick: MPOP, targets: [speed(3, 3 * TLS_SHARE)] },
  '4k-mbox-plaintext': { yardstick: MPOP, targets: [speed(8, 5)] },
  '4k-mbox-tls': { yardstick: MPOP, targets: [speed(8, 8 * TLS_SHARE)] },
  'realistic-maildir-plaintext': { yardstick: MPOP, targets: [speed(2, 1.5)] },
  'realistic-mbox-plaintext': { yardstick: MPOP, targets: [speed(2, 1.5)] },
  'large-maildir-plaintext': { yardstick: MPOP, targets: [speed(1, 0.8), peak(150, 200)] },
  'large-mbox-plaintext': { yardstick: MPOP, targets: [speed(1, 0.8), peak(150, 200)] },
  'crowd-maildir': { yardstick: [SIDE_BY_SIDE], targets: [speed(2, 1.3)] },
  'crowd-mbox': { yardstick: [SIDE_BY_SIDE], targets: [speed(2, 1.3)] },
  // The time of the fastest peer, at most one and a half times.
  nightly: { yardstick: PEERS, targets: [speed(1, 1 / 1.5), peak(100, 150)] },
  'distant-50ms': {
    yardstick: MPOP,
    targets: [speed(1, 1 / 1.2), { figure: 's above the ideal', goal: 1.5 }],
  },
  s3: { yardstick: [BARE_PUT], targets: [speed(0.95, 0.9)] },
  start: { yardstick: [FLOOR], targets: [{ figure: 'ms', goal: 80, must: 120 }] },
  empty: { yardstick: MPOP, targets: [{ figure: 'ms', goal: 200, must: 300 }] },
};

export function judgementOf(scenario: string): Judgement {
  return JUDGEMENTS[scenario] ?? { yardstick: MPOP, targets: [] };
}
