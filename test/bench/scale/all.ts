import type { ScaleOf } from '../result.ts';
import { accountsScale } from './accounts.ts';
import { messagesScale } from './messages.ts';
import type { Scale } from './scale.ts';

/** By the word for `--scale`; each takes the largest size, or has its own. */
export const SCALES: Readonly<Record<ScaleOf, (largest?: number) => Scale>> = {
  accounts: accountsScale,
  messages: messagesScale,
};
