import { join } from 'node:path';
import type { Store } from '../contender.ts';
import { COMPLETE, describeCompleteness } from './completeness.ts';
import type { Maildrop } from './maildrops.ts';

/** The same for many accounts, each of which has a store of its user's name in `folder`. */
export function describeCrowdCompleteness(
  maildrops: readonly Maildrop[],
  form: Store,
  folder: string,
): string {
  const differing = maildrops.flatMap(({ user, digests }) => {
    const said = describeCompleteness(digests, { path: join(folder, user), form });
    return said === COMPLETE ? [] : [`${user}: ${said}`];
  });
  return differing.length === 0 ? COMPLETE : `${differing.length} accounts differ, ${differing[0]}`;
}
