/**
 * Whether a server has given all its messages other unique-ids (it was moved, or rebuilt): one pure decision over what has been
 * found out so far. It answers with what to find out next, or with a verdict. It asks nobody and changes nothing.
 *
 * Absence alone proves nothing: users delete mail, and some servers show a window of the mailbox. So the decision wants
 * three things, each cheaper than the next: that most of what is expected is gone while most of what is listed is unknown;
 * that a size among the unknown is familiar; that a header (TOP) among these is one that was archived. The header decides:
 * one that agrees at an unknown unique-id is proof that this message was renamed. A header that differs proves nothing, since
 * some servers get TOP wrong: then what is fetched is compared by its octets, which costs a look-up each.
 */

export interface UidlFacts {
  /** Archived messages that nobody asked to delete. */
  readonly expected: number;
  /** Those of them that the listing shows under unique-id and about the same size. */
  readonly seen: number;
  /** Listed messages that no row accounts for. */
  readonly unknown: number;
  /** An earlier session found a change and did not come to its end. */
  readonly isUnsettled: boolean;
  /** Undefined until they were compared. */
  readonly sizes?: SizeFacts;
  /** Undefined until they were asked for. */
  readonly headers?: HeaderFacts;
}

export interface SizeFacts {
  /** Unknown messages of exactly the size of an expected one that is not listed; no two share one. */
  readonly exact: number;
  /** Unknown messages of about such a size: the new server may count line ends otherwise, or round. */
  readonly familiar: number;
}

export interface HeaderFacts {
  /** How many TOPs were answered. */
  readonly answered: number;
  /** How many of these show the header of an archived message that is not listed. */
  readonly agreeing: number;
}

export type UidlDecision =
  /** Nothing speaks for a change. */
  | { readonly kind: 'same'; readonly reason: string }
  | { readonly kind: 'compare sizes' }
  | { readonly kind: 'compare headers' }
  /** Proved by a header: what agrees is known, the rest is fetched and compared; nothing is deleted in this run. */
  | { readonly kind: 'changed'; readonly reason: string }
  /** Likely, and headers cannot say: all is fetched and compared; nothing is deleted in this run. */
  | { readonly kind: 'possible'; readonly reason: string }
  /** Unlikely, and not out of the question: what is fetched is compared, and shows it. */
  | { readonly kind: 'unlikely'; readonly reason: string };

export function decideUidlChange(facts: UidlFacts): UidlDecision {
  const { expected, seen, unknown, isUnsettled, sizes, headers } = facts;
  const refutation = whySame(facts);
  if (refutation !== undefined) {
    return { kind: 'same', reason: refutation };
  }
  if (isUnsettled) {
    const reason = 'an earlier session found that unique-ids have changed, and did not come to its end';
    return headers === undefined ? { kind: 'compare headers' } : { kind: 'changed', reason };
  }
  if (sizes === undefined) {
    return { kind: 'compare sizes' };
  }
  if (sizes.familiar === 0) {
    return { kind: 'same', reason: 'no size among the unknown messages is familiar' };
  }
  if (headers === undefined) {
    return { kind: 'compare headers' };
  }
  if (headers.agreeing > 0) {
    const gone = expected - seen;
    const reason = `${gone} of ${expected} archived messages are gone, and ${headers.agreeing} of ${headers.answered} headers under new unique-ids are theirs`;
    return { kind: 'changed', reason };
  }
  if (headers.answered === 0 && 2 * sizes.exact >= Math.min(unknown, expected - seen)) {
    return {
      kind: 'possible',
      reason: 'most sizes are those of archived messages, and the server has no TOP',
    };
  }
  return { kind: 'unlikely', reason: 'no header of an archived message was found' };
}

/** What speaks against a change before anything is asked. */
function whySame({ expected, seen, unknown, isUnsettled }: UidlFacts): string | undefined {
  if (unknown === 0) {
    return 'every listed message is known';
  }
  if (isUnsettled) {
    return undefined;
  }
  if (expected === 0) {
    return 'no archived message is expected';
  }
  if (2 * seen >= expected) {
    return 'most of what is expected is listed';
  }
  if (seen >= unknown) {
    return 'most of what is listed is known';
  }
  return undefined;
}

/** LF counted for CRLF takes some percent off, rounding up to a kilobyte. */
const CLOSE_OCTETS = 1024;
const CLOSE_SHARE = 0.1;

/** Whether two sizes may be one message's, counted in two ways. What LIST did not say may be anything. */
export function isFamiliarSize(listed: number | null, archived: number | null): boolean {
  return (
    listed === null ||
    archived === null ||
    Math.abs(listed - archived) <= Math.max(CLOSE_OCTETS, CLOSE_SHARE * archived)
  );
}
