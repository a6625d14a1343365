/** The limits of a job that names none: for commands that run without a job. */
import type { Limits } from './job.ts';
import { defineLimits } from './normalise.ts';
import { checkLimits } from './schema.ts';

export function defaultLimits(): Limits {
  const { value } = checkLimits({});
  if (value === undefined) {
    throw new Error('the schema has a limit without a default');
  }
  return defineLimits(value);
}
