/**
 * V8 optimises what runs often, and spends four tenths of that time on a handful of functions that are longer than all others: each
 * goes through a whole session or batch and waits for most of its life. Left as they are, a run takes 3 to 7 % less processor time
 * (10,000 messages of one account, or of 200), and nothing was seen to take longer (docs/decisions.md).
 */
import { setFlagsFromString } from 'node:v8';

/** In octets of bytecode; V8's own limit is 60 KiB. */
const LONGEST_FUNCTION = 800;

/** To be called when the program is loaded: V8 takes no code that was kept of it under other settings. */
export function limitOptimiser(): void {
  setFlagsFromString(`--max-optimized-bytecode-size=${LONGEST_FUNCTION}`);
}
