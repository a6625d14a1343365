/** How long something took by the wall clock, in ms; 0 where the clock was set back meanwhile. */
export function elapsed(startedAt: number, endedAt: number): number {
  return Math.max(0, endedAt - startedAt);
}
