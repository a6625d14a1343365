/**
 * What became of everything that an account listed. The arithmetic adds up by construction: every listed message is
 * counted in exactly one place, and what was not come to is counted at the end.
 */
import type { AccountCounts } from '../ledger/ledger.ts';

export const NO_COUNTS: AccountCounts = {
  listed: 0,
  archivedNow: 0,
  archivedBefore: 0,
  skipped: 0,
  quarantined: 0,
  failed: 0,
  unreached: 0,
  octets: 0,
};

/** Counts that grow while an account runs. */
export class Tally {
  listed = 0;
  archivedNow = 0;
  /** Archived before this run, by listing or by their octets. */
  archivedBefore = 0;
  /** The part of these that was fetched, and recognised by its octets. */
  recognised = 0;
  skipped = 0;
  /** Before this run. */
  quarantined = 0;
  /** In this run. */
  setAside = 0;
  /** Tried and failed; what was not come to is added by `toCounts`. */
  refused = 0;
  octets = 0;
  /** Messages of which something was kept apart. */
  keptParts = 0;
  /** Asked for with DELE, and answered +OK to QUIT. */
  deleted = 0;

  /** Messages of which this run now knows that they are archived. */
  get gained(): number {
    return this.archivedNow + this.recognised;
  }

  /** Messages that failed by themselves. */
  get failed(): number {
    return this.refused + this.setAside;
  }

  toCounts(): AccountCounts {
    const { listed, archivedNow, archivedBefore, skipped, refused, octets } = this;
    const quarantined = this.quarantined + this.setAside;
    const unreached = listed - archivedNow - archivedBefore - skipped - quarantined - refused;
    return {
      listed,
      archivedNow,
      archivedBefore,
      skipped,
      quarantined,
      failed: refused + unreached,
      unreached,
      octets,
    };
  }
}

export function addCounts(a: AccountCounts, b: AccountCounts): AccountCounts {
  return {
    listed: a.listed + b.listed,
    archivedNow: a.archivedNow + b.archivedNow,
    archivedBefore: a.archivedBefore + b.archivedBefore,
    skipped: a.skipped + b.skipped,
    quarantined: a.quarantined + b.quarantined,
    failed: a.failed + b.failed,
    unreached: a.unreached + b.unreached,
    octets: a.octets + b.octets,
  };
}
