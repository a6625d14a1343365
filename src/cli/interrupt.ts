/**
 * SIGINT and SIGTERM in two stages: once to finish what is in flight and stop cleanly, twice to drop everything, which is
 * safe since nothing unproved is ever recorded (promise 8).
 */
export interface Interrupt {
  /** Aborted at the first signal. */
  readonly stopSignal: AbortSignal;
  /** Aborted at the second. */
  readonly dropSignal: AbortSignal;
  /** Takes the handlers off again. */
  release(): void;
}

const SIGNALS = ['SIGINT', 'SIGTERM'] as const;

/** @param tell is given a line for the person who pressed the keys. */
export function watchInterrupt(tell: (text: string) => void): Interrupt {
  const stop = new AbortController();
  const drop = new AbortController();
  const onSignal = (signal: NodeJS.Signals): void => {
    if (stop.signal.aborted) {
      tell(`${signal} again: dropping every connection`);
      drop.abort();
      return;
    }
    tell(`${signal}: finishing what is in flight; once more to drop it`);
    stop.abort();
  };
  for (const signal of SIGNALS) {
    process.on(signal, onSignal);
  }
  return {
    stopSignal: stop.signal,
    dropSignal: drop.signal,
    release: () => {
      for (const signal of SIGNALS) {
        process.off(signal, onSignal);
      }
    },
  };
}
