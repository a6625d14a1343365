/**
 * Time as reporters see it, given from outside so that tests can move it.
 */

export interface ReporterClock {
  /** Milliseconds since 1970, UTC. */
  now(): number;
  /** Calls `task` every `intervalMs` until the returned function is called. Never keeps the process alive. */
  repeat(intervalMs: number, task: () => void): () => void;
}

export const SYSTEM_CLOCK: ReporterClock = {
  now: () => Date.now(),
  repeat: (intervalMs, task) => {
    const timer = setInterval(task, intervalMs);
    timer.unref();
    return () => clearInterval(timer);
  },
};
