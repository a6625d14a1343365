/** What the bench is at, on stderr, with the time since it began: a full run takes an hour. */
const MS_PER_SECOND = 1000;
const SECONDS_PER_MINUTE = 60;

export type Progress = (text: string) => void;

export function openProgress(): Progress {
  const startedAt = performance.now();
  return (text) => {
    const seconds = Math.floor((performance.now() - startedAt) / MS_PER_SECOND);
    const rest = String(seconds % SECONDS_PER_MINUTE).padStart(2, '0');
    process.stderr.write(`${Math.floor(seconds / SECONDS_PER_MINUTE)}:${rest}  ${text}\n`);
  };
}
