/**
 * What must be true of servers, sinks and ledger at any time, whatever was done to the program: the promises 3 to 11 as
 * one check that crash, fault and property tests share. It watches the demo server, keeps every message that was ever
 * offered, and reads archives by the plain rules of their formats (archives.ts), never with the sinks' own code.
 *
 * Archives lie where job-folder.ts puts them: `maildir/<account>` and `mbox/<account>.mbox` below the folder.
 */
import { copyFileSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import type { DemoServer } from '../../src/demo/demo-server.ts';
import { asReceived } from '../../src/demo/dot-stuffing.ts';
import type { MailboxEntry } from '../../src/demo/mailbox.ts';
import type { Misbehaviour, Occasion } from '../../src/demo/misbehaviour-switch.ts';
import type { AccountCounts, LedgerReader, MessageRow } from '../../src/ledger/ledger.ts';
import { openLedgerReader } from '../../src/ledger/open-reader.ts';
import type { Receipt } from '../../src/sink/sink.ts';
import { maildirDigests, maildirFiles, mboxDigests, sha256, storedForm } from './archives.ts';
import { judgeQuarantine } from './judge-quarantine.ts';
import type { S3Double } from './s3-double.ts';
import { keysUnder, objectDigest, objectDigests, violationsIn } from './s3-oracle.ts';

const LEDGER_FILES = ['ledger.db', 'ledger.db-wal'];

export interface OracleOptions {
  /** Holds `state`, `maildir` and `mbox`. */
  readonly folder: string;
  readonly server: DemoServer;
  readonly accounts: readonly string[];
  /** How many sinks: every one of them must have a receipt. */
  readonly sinks: number;
  /** Of a job that also has an S3 sink, with keys as s3-oracle.ts says. */
  readonly store?: S3Double;
  /** False for a server without UIDL: then messages have no unique-ids that count. */
  readonly hasUidl?: boolean;
}

/** One message as an account offers it: equal ones have the same key. */
interface Offer {
  readonly uidl: string;
  readonly digests: Digests;
}

/** SHA-256 of a message as the client receives it, and of what each sink makes of it. */
interface Digests {
  readonly wire: string;
  readonly maildir: string;
  readonly mbox: string;
}

/** Beds of one test file share their messages, and large ones take long. */
const DIGESTS = new WeakMap<Buffer, Digests>();

export class Oracle {
  /** All that was found wrong so far; empty where every promise was kept. */
  readonly violations: string[] = [];
  /** How often a DELE was held against ledger and sinks. */
  checkedDeletions = 0;
  readonly #options: OracleOptions;
  /** The ledger as it was last, and what was last found in files: it stands as long as these have not changed. */
  #copy: { stamp: string; folder: string; ledger: LedgerReader | undefined } | undefined;
  readonly #held = new Map<string, { readonly stamp: string; readonly digest: string }>();
  readonly #lying = new Map<string, { stamp: string; maildir: readonly string[]; mbox: readonly string[] }>();
  readonly #offers = new Map<MailboxEntry, Offer>();
  /** The most equal messages that were ever on the server at once, by account and key. */
  readonly #most = new Map<string, Map<string, { readonly offer: Offer; readonly count: number }>>();

  constructor(options: OracleOptions) {
    this.#options = options;
    this.see();
  }

  /** To be switched on at the server beside whatever misbehaves: changes nothing, and looks at each DELE as it arrives. */
  get watcher(): Misbehaviour {
    return {
      name: 'the oracle looks on',
      strikes: (occasion) => {
        this.see();
        if (occasion.command.verb === 'DELE') {
          this.#judgeDele(occasion);
        }
        return false;
      },
    };
  }

  /** Remembers what the servers offer now; to be called after each change of a mailbox. */
  see(): void {
    for (const account of this.#options.accounts) {
      const counts = new Map<string, number>();
      const most = this.#mostOf(account);
      for (const entry of this.#options.server.mailbox(account).entries) {
        const offer = this.#offerOf(entry);
        const key = keyOf(offer);
        const count = (counts.get(key) ?? 0) + 1;
        counts.set(key, count);
        most.set(key, { offer, count: Math.max(count, most.get(key)?.count ?? 0) });
      }
    }
  }

  /** After a run of any kind, killed or not: what was deleted is proved, and what is proved is there. */
  checkAlways(): void {
    this.see();
    this.#withLedger((ledger) => {
      for (const account of this.#options.accounts) {
        const rows = ledger?.account(account);
        const held = new Set<string>();
        for (const { rowId } of rows?.known() ?? []) {
          const [row] = rows?.rows([rowId]) ?? [];
          if (row?.isComplete === true && row.sha256 !== null) {
            held.add(row.sha256);
            this.#judgeReceipts(account, row, [...(rows?.receipts(rowId).entries() ?? [])]);
          }
        }
        for (const entry of this.#options.server.mailbox(account).deleted) {
          const { digests, uidl } = this.#offerOf(entry);
          this.#expect(held.has(digests.wire), `${account}: ${uidl} was deleted and is in no archive`);
        }
      }
    });
  }

  /** What a run has said to be archived is so for ever, whatever became of the run: the ledger has it complete. */
  checkTold(
    told: readonly { readonly account: string; readonly uidl: string; readonly sha256: string }[],
  ): void {
    this.#withLedger((ledger) => {
      for (const { account, uidl, sha256: digest } of told) {
        const rows = ledger?.account(account)?.rowsByDigest(digest) ?? [];
        const isKept = rows.some((row) => row.uidl === uidl && row.isComplete);
        this.#expect(
          isKept,
          `${account}: ${uidl} was told to be archived, and the ledger does not know of it`,
        );
      }
    });
  }

  /** After a last run that nothing disturbed: each sink holds each message once, and what is on the server is in all of them. */
  checkSettled(): void {
    this.checkAlways();
    this.#checkQuarantine();
    for (const account of this.#options.accounts) {
      const most = [...this.#mostOf(account).values()];
      const required = this.#requiredOf(account);
      const { maildir, mbox } = this.archived(account);
      this.#compare(`${account} in the Maildir`, 'maildir', maildir, most, required);
      this.#compare(`${account} in the mbox`, 'mbox', mbox, most, required);
      this.#compareObjects(account, most, required);
    }
    this.violations.push(...(this.#options.store === undefined ? [] : violationsIn(this.#options.store)));
  }

  /** What is kept apart of failed messages is of those that are still in trouble. */
  #checkQuarantine(): void {
    const troubled = this.#withLedger((ledger) =>
      this.#options.accounts.flatMap((account) =>
        [...(ledger?.account(account)?.troubled() ?? [])].map((row) => ({ account, ...row })),
      ),
    );
    const place = join(this.#options.folder, 'state', 'quarantine');
    this.violations.push(...judgeQuarantine(place, troubled));
  }

  /** Promise 11. */
  checkArithmetic(counts: AccountCounts): void {
    const { listed, archivedNow, archivedBefore, skipped, quarantined, failed } = counts;
    const sum = archivedNow + archivedBefore + skipped + quarantined + failed;
    this.#expect(listed === sum, `the report does not add up: ${JSON.stringify(counts)}`);
  }

  /** Digests of what lies in each archive, sorted; of an S3 sink the keys. */
  archived(account: string): {
    readonly maildir: readonly string[];
    readonly mbox: readonly string[];
    readonly objects: readonly string[];
  } {
    const { store } = this.#options;
    const mbox = join(this.#options.folder, 'mbox', `${account}.mbox`);
    const maildir = this.#maildir(account);
    // Of an account that never had a message there is none.
    const isThere = existsSync(maildir);
    const stamp = [...(isThere ? maildirFiles(maildir) : []), mbox].map(stampOf).join();
    const known = this.#lying.get(account);
    const files =
      known?.stamp === stamp
        ? known
        : {
            stamp,
            maildir: isThere ? maildirDigests(maildir) : [],
            mbox: mboxDigests(mbox),
          };
    this.#lying.set(account, files);
    return {
      ...{ maildir: files.maildir, mbox: files.mbox },
      objects: store === undefined ? [] : keysUnder(store, `mail/${account}/`),
    };
  }

  /** How many messages of each account the ledger has in each state. */
  states(): Record<string, Record<string, number>> {
    return this.#withLedger((ledger) =>
      Object.fromEntries(
        (ledger?.accounts() ?? []).map(({ account, byState }) => [
          account,
          Object.fromEntries(Object.entries(byState).filter(([, count]) => count > 0)),
        ]),
      ),
    );
  }

  /** What may be deleted is requested, proved by every sink, and readable there, in the very moment that DELE arrives. */
  #judgeDele({ user, command }: Occasion): void {
    const account = user ?? '';
    const entry = this.#options.server.mailbox(account).entries[Number(command.argument) - 1];
    if (entry === undefined) {
      this.violations.push(`${account}: DELE ${command.argument} names no message`);
      return;
    }
    this.checkedDeletions += 1;
    const { uidl, digests } = this.#offerOf(entry);
    this.#withLedger((ledger) => {
      const rows = ledger?.account(account);
      const row = rows
        ?.rowsByDigest(digests.wire)
        .find((each) => each.uidl === uidl && each.state === 'deletion-requested' && each.isComplete);
      if (row === undefined) {
        this.violations.push(`${account}: DELE of ${uidl} without a durable wish and receipts`);
        return;
      }
      this.#judgeReceipts(account, row, [...(rows?.receipts(row.rowId).entries() ?? [])]);
    });
  }

  /** Promise 4 where the row is verified, promise 3 for each receipt. */
  #judgeReceipts(
    account: string,
    { uidl, sha256: digest, state }: MessageRow,
    receipts: readonly (readonly [string, { readonly receipt: Receipt }])[],
  ): void {
    const what = `${account}: ${JSON.stringify(uidl.slice(0, 20))} (${state})`;
    this.#expect(receipts.length === this.#options.sinks, `${what} has ${receipts.length} receipts`);
    for (const [sink, { receipt }] of receipts) {
      const isProved = receipt.proof !== 'synced' || state === 'archived';
      this.#expect(isProved, `${what}: the receipt of ${sink} is not verified`);
      const held = this.#digestHeld(account, sink, receipt);
      this.#expect(held === digest, `${what} is not as it was in ${sink}`);
    }
  }

  /** SHA-256 of the wire form of what a receipt names; a file that has not changed is not read again. */
  #digestHeld(account: string, sink: string, receipt: Receipt): string | undefined {
    const { store, folder } = this.#options;
    if (sink.startsWith('s3:') && store !== undefined) {
      return objectDigest(store, receipt.location);
    }
    const isMaildir = sink.startsWith('maildir:');
    const path = isMaildir ? this.#findInMaildir(account, receipt) : join(folder, 'mbox', `${account}.mbox`);
    const stamp = path === undefined ? undefined : stampOf(path);
    if (path === undefined || stamp === undefined) {
      return undefined;
    }
    const place = `${path} ${receipt.location} ${receipt.form}`;
    const known = this.#held.get(place);
    if (known?.stamp === stamp) {
      return known.digest;
    }
    const octets = isMaildir ? readFileSync(path) : readFromMbox(path, receipt);
    const digest = sha256(toWire(octets, receipt.form));
    this.#held.set(place, { stamp, digest });
    return digest;
  }

  #findInMaildir(account: string, { location }: Receipt): string | undefined {
    const name = location.replace(/^new\//, '');
    return maildirFiles(this.#maildir(account)).find((file) =>
      (file.split('/').at(-1) ?? '').startsWith(name),
    );
  }

  /** What each sink must hold: of each message as many as are on the server now, and at least one of each deleted one. */
  #requiredOf(account: string): readonly Offer[] {
    const { entries, deleted } = this.#options.server.mailbox(account);
    const present = entries.map((entry) => this.#offerOf(entry));
    const gone = new Map(
      deleted.map((entry) => {
        const offer = this.#offerOf(entry);
        return [keyOf(offer), offer];
      }),
    );
    for (const offer of present) {
      gone.delete(keyOf(offer));
    }
    return [...present, ...gone.values()];
  }

  #compare(
    where: string,
    form: keyof Digests,
    held: readonly string[],
    most: readonly { readonly offer: Offer; readonly count: number }[],
    required: readonly Offer[],
  ): void {
    const digestOf = ({ digests }: Offer): string => digests[form];
    const atMost = countOf(most.flatMap(({ offer, count }) => Array(count).fill(digestOf(offer))));
    const atLeast = countOf(required.map(digestOf));
    const found = countOf(held);
    for (const digest of new Set([...found.keys(), ...atLeast.keys()])) {
      const [low, count, high] = [atLeast, found, atMost].map((map) => map.get(digest) ?? 0);
      const name = most.find(({ offer }) => digestOf(offer) === digest)?.offer.uidl ?? 'what nobody offered';
      const isWithin =
        count !== undefined && low !== undefined && high !== undefined && low <= count && count <= high;
      this.#expect(isWithin, `${where}: ${name} is there ${count} times, expected ${low} to ${high}`);
    }
  }

  /** Equal octets of one account are one object, however many unique-ids they have; of one unique-id they are copies. */
  #compareObjects(
    account: string,
    most: readonly { readonly offer: Offer; readonly count: number }[],
    required: readonly Offer[],
  ): void {
    const { store } = this.#options;
    if (store === undefined) {
      return;
    }
    const copiesOf = (offers: readonly (readonly [Offer, number])[]): ReadonlyMap<string, number> => {
      const copies = new Map<string, number>();
      for (const [{ digests }, count] of offers) {
        copies.set(digests.wire, Math.max(count, copies.get(digests.wire) ?? 0));
      }
      return copies;
    };
    const needed = countOf(required.map(keyOf));
    const low = copiesOf(required.map((offer) => [offer, needed.get(keyOf(offer)) ?? 0]));
    const high = copiesOf(most.map(({ offer, count }) => [offer, count]));
    const found = countOf(objectDigests(store, account));
    for (const digest of new Set([...found.keys(), ...low.keys()])) {
      const [least = 0, count = 0, atMost = 0] = [low, found, high].map((map) => map.get(digest));
      const isWithin = least <= count && count <= atMost;
      this.#expect(
        isWithin,
        `${account} in S3: ${digest} is there ${count} times, expected ${least} to ${atMost}`,
      );
    }
  }

  /** The ledger's files as they are on disk now, opened elsewhere: the reader must not take part in what is tested. */
  #withLedger<Result>(use: (ledger: LedgerReader | undefined) => Result): Result {
    const paths = LEDGER_FILES.map((name) => join(this.#options.folder, 'state', name));
    const stamp = paths.map(stampOf).join();
    if (this.#copy?.stamp !== stamp) {
      this.close();
      const folder = mkdtempSync(join(tmpdir(), 'mailferry-oracle-'));
      for (const path of paths.filter((each) => existsSync(each))) {
        copyFileSync(path, join(folder, basename(path)));
      }
      this.#copy = { stamp, folder, ledger: openLedgerReader({ statePath: folder }) };
    }
    return use(this.#copy.ledger);
  }

  /** Lets go of its copy of the ledger. */
  close(): void {
    this.#copy?.ledger?.close();
    if (this.#copy !== undefined) {
      rmSync(this.#copy.folder, { recursive: true, force: true });
      this.#copy = undefined;
    }
  }

  #offerOf(entry: MailboxEntry): Offer {
    const known = this.#offers.get(entry);
    if (known !== undefined) {
      return known;
    }
    if (!Buffer.isBuffer(entry.content)) {
      throw new Error('the oracle wants messages that are buffers');
    }
    const offer = {
      uidl: this.#options.hasUidl === false ? '' : entry.uidl,
      digests: digestsOf(entry.content),
    };
    this.#offers.set(entry, offer);
    return offer;
  }

  #mostOf(account: string): Map<string, { readonly offer: Offer; readonly count: number }> {
    const most = this.#most.get(account) ?? new Map();
    this.#most.set(account, most);
    return most;
  }

  #maildir(account: string): string {
    return join(this.#options.folder, 'maildir', account);
  }

  #expect(isTrue: boolean, violation: string): void {
    if (!isTrue) {
      this.violations.push(violation);
    }
  }
}

/** Changes with each change of a file; undefined where there is none. */
function stampOf(path: string): string | undefined {
  const stat = statSync(path, { bigint: true, throwIfNoEntry: false });
  return stat === undefined ? undefined : `${stat.ino} ${stat.size} ${stat.mtimeNs} ${stat.ctimeNs}`;
}

function readFromMbox(path: string, { location }: Receipt): Buffer {
  const [offset = 0, octets = 0] = location.split('+').map(Number);
  const quoted = readFileSync(path)
    .subarray(offset, offset + octets)
    .toString('latin1');
  return Buffer.from(quoted.replace(/(?<![^\n])>(>*From )/g, '$1'), 'latin1');
}

/** Each LF becomes CRLF where the receipt says that each was one. */
function toWire(stored: Buffer, form: Receipt['form']): Buffer {
  return form === 'exact'
    ? stored
    : Buffer.from(stored.toString('latin1').replaceAll('\n', '\r\n'), 'latin1');
}

function keyOf({ uidl, digests }: Offer): string {
  return `${digests.wire} ${uidl}`;
}

function digestsOf(content: Buffer): Digests {
  const known = DIGESTS.get(content);
  if (known !== undefined) {
    return known;
  }
  const wire = asReceived(content);
  const stored = storedForm(wire);
  const digests = { wire: sha256(wire), maildir: sha256(stored), mbox: sha256(inMbox(stored)) };
  DIGESTS.set(content, digests);
  return digests;
}

/** An mbox ends the last line of each message, so that the next `From ` stands at the start of one. */
function inMbox(stored: Buffer): Buffer {
  const isEnded = stored.length === 0 || stored.at(-1) === 0x0a;
  return isEnded ? stored : Buffer.concat([stored, Buffer.from('\n')]);
}

function countOf(digests: readonly string[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const digest of digests) {
    counts.set(digest, (counts.get(digest) ?? 0) + 1);
  }
  return counts;
}

/** Names of all files below the archives, for the proof that a run has changed nothing. */
export function archiveFiles(folder: string): readonly string[] {
  return ['maildir', 'mbox'].flatMap((part) =>
    existsSync(join(folder, part))
      ? readdirSync(join(folder, part), { recursive: true }).map((name) => join(part, String(name)))
      : [],
  );
}
