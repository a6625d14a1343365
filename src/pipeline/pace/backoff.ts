/** How long to wait before something is tried again: twice as long each time, and half of it by chance. Pure. */

const FIRST_PAUSE_MS = 1_000;

/** Locks were seen to stay for ten minutes after a dropped connection. */
export const LONGEST_PAUSE_MS = 15 * 60_000;

/**
 * @param failures so far, from 1
 * @param random from 0 up to 1: what was refused together must not come back together
 * @param leftMs of the patience there is: the pause is no longer, so that the last attempt is made at its end
 * @returns 0 where no patience is left
 */
export function decidePauseMs(failures: number, random: number, leftMs: number): number {
  const full = Math.min(FIRST_PAUSE_MS * 2 ** (failures - 1), LONGEST_PAUSE_MS);
  return Math.max(0, Math.min(Math.round(full * (0.5 + random / 2)), leftMs));
}
