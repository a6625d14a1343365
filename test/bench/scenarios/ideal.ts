/** What nobody can be faster than over a distant line. Pure. */
const MS_PER_SECOND = 1000;

/** The waits of a client that sends ahead all it can, for answers that it needs before it can go on. */
export const IDEAL_STEPS = [
  { what: 'connection', roundTrips: 1 },
  { what: 'greeting', roundTrips: 1 },
  { what: 'CAPA', roundTrips: 1 },
  { what: 'login', roundTrips: 1 },
  { what: 'UIDL with LIST', roundTrips: 1 },
  { what: 'all RETR', roundTrips: 1 },
  { what: 'QUIT', roundTrips: 1 },
] as const;

/** @param transferSeconds all of the mail on a line without delay */
export function idealSeconds(roundTripMs: number, transferSeconds: number): number {
  const roundTrips = IDEAL_STEPS.reduce((sum, step) => sum + step.roundTrips, 0);
  return (roundTrips * roundTripMs) / MS_PER_SECOND + transferSeconds;
}
