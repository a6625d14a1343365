/** The mail of the scenarios; see mail/make-mail.ts for what a message looks like. */
import type { Mail } from '../mail/maildrops.ts';

const FOUR_KB = { kind: 'fixed', octets: 4096 } as const;

export const SMALL: Mail = { word: '4k', messages: 10_000, sizes: FOUR_KB };
export const REALISTIC: Mail = { word: 'realistic', messages: 5_000, sizes: { kind: 'realistic' } };
export const LARGE: Mail = { word: 'large', messages: 20, sizes: { kind: 'fixed', octets: 25_000_000 } };
export const NIGHTLY: Mail = { word: '1k', messages: 100_000, sizes: { kind: 'fixed', octets: 1024 } };
export const DISTANT: Mail = { word: '4k', messages: 1_000, sizes: FOUR_KB };
/** Of each account of a crowd. */
export const CROWD: Mail = { word: '4k', messages: 50, sizes: FOUR_KB };
