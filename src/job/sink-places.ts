/**
 * Where each sink writes for each account: the templates of a job, filled for all its accounts. Pure.
 */
import type { DraftAccount, DraftSink, SinkPlace } from './job-draft.ts';
import { expandPath } from './placeholders.ts';

/** All places, sink by sink; accounts that are not complete have none. */
export function sinkPlacesOf(sinks: readonly DraftSink[], accounts: readonly DraftAccount[]): SinkPlace[] {
  return sinks.flatMap((sink) =>
    accounts.flatMap(({ definition }) => {
      if (definition === undefined) {
        return [];
      }
      // A bucket is no place on the disk; its keys never meet, since they hold the account and the digest.
      if (sink.definition.kind === 's3') {
        return [];
      }
      const path = expandPath(sink.definition.path, definition);
      return [{ sink, account: definition.id, path, folded: foldPath(path) }];
    }),
  );
}

export function foldPath(path: string): string {
  return path.normalize('NFC').toLowerCase();
}
