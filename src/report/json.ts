/**
 * One JSON object for each event, newline-delimited (NDJSON), on stdout and nothing else there.
 *
 * Every object begins with `time` (ISO 8601, UTC, milliseconds) and `event`. Field names are stable: fields may be added,
 * none is renamed or removed within a major version. What is unknown is `null`, never left out. Sizes are octets, durations
 * milliseconds. Unique-ids are one character per octet.
 *
 * | event | fields |
 * | --- | --- |
 * | `run.started` | `job`, `runId`, `accounts` |
 * | `account.started` | `account`, `host` |
 * | `account.waiting` | `account`, `host`, `reason` (`{ code, text }`), `until` (milliseconds since 1970) |
 * | `account.listed` | `account`, `listed`, `listedOctets`, `archivedBefore`, `wanted`, `wantedOctets` |
 * | `account.progressed` | `account`, `messages`, `octets`: received so far of what is wanted |
 * | `message.archived` | `account`, `uidl`, `octets`, `sha256` |
 * | `message.failed` | `account`, `uidl`, `failure`, `hint` |
 * | `message.quarantined` | `account`, `uidl`, `failure`, `attempts`, `note` (a path), `hint`: set aside, now or still |
 * | `message.skipped` | `account`, `uidl`, `rule` |
 * | `account.finished` | `account`, `outcome`, `counts`, `failure`, `hint`, `durationMs` |
 * | `run.finished` | `job`, `runId`, `outcome`, `accounts`, `counts`, `durationMs` |
 * | `verification.started` | `job`, `accounts` |
 * | `account.counted` | `account`, `receipts`, `octets`: what is to be read; `account.progressed` then counts what was |
 * | `message.differs` | `account`, `sink`, `difference`, `uidl`, `sha256`, `root`, `location`, `detail` |
 * | `account.verified` | `account`, `verdict`, `counts`, `failure`, `hint`, `durationMs` |
 * | `verification.finished` | `job`, `verdict`, `accounts`, `counts`, `durationMs` |
 * | `logged` | `level`, `account`, `text`; as `--log-level` lets through |
 *
 * `failure` is `null` or `{ code, text }`; `outcome` is `done`, `failed`, `waiting`, `interrupted` or `unexpected`;
 * `counts` is `{ listed, archivedNow, archivedBefore, skipped, quarantined, failed, unreached, octets }`.
 * `difference` is `missing`, `changed`, `unreadable` or `extra`; `verdict` is an outcome, or `different`; the `counts` of a
 * verification are `{ receipts, read, intact, missing, changed, unreadable, extra, octets }`.
 * Counts that do not add up are followed by a `logged` error of their own.
 */
import type { LogLevel, MailferryEvent } from '../pipeline/events.ts';
import type { ReporterClock } from './clock.ts';
import { checkArithmetic } from './counts.ts';
import { isShown } from './log-feed.ts';
import type { Output } from './output.ts';
import type { Reporter } from './reporter.ts';

/**
 * JSON escapes C0 by itself; DEL, C1 and invisible formats would still move a cursor where somebody looks at the file.
 * As escapes they are the same JSON.
 */
const UNSAFE_IN_TERMINALS = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

export interface JsonParts {
  readonly output: Output;
  readonly clock: ReporterClock;
  readonly level: LogLevel;
}

export class JsonReporter implements Reporter {
  readonly #parts: JsonParts;

  constructor(parts: JsonParts) {
    this.#parts = parts;
  }

  report(event: MailferryEvent): void {
    if (event.type === 'logged' && !isShown(event.level, this.#parts.level)) {
      return;
    }
    this.#write(event);
    if (event.type === 'account.finished' || event.type === 'run.finished') {
      const wrong = checkArithmetic(event.counts);
      const account = event.type === 'account.finished' ? event.account : undefined;
      if (wrong !== undefined) {
        this.#write({ type: 'logged', level: 'error', account, text: `the counts do not add up: ${wrong}` });
      }
    }
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  #write(event: MailferryEvent): void {
    this.#parts.output.write(`${renderJsonEvent(event, this.#parts.clock.now())}\n`);
  }
}

/** The line of one event without its line end. */
export function renderJsonEvent(event: MailferryEvent, atMs: number): string {
  const { type, ...fields } = event;
  const named = { time: new Date(atMs).toISOString(), event: type, ...optionalFields(event), ...fields };
  return JSON.stringify(named, (_key, value: unknown) => (value === undefined ? null : value)).replace(
    UNSAFE_IN_TERMINALS,
    escapeUnits,
  );
}

/** Fields that the event may lack; a reader finds them all the same. */
function optionalFields(event: MailferryEvent): object {
  switch (event.type) {
    case 'logged':
      return { level: event.level, account: undefined };
    case 'message.failed':
      return { account: event.account, uidl: event.uidl, failure: event.failure, hint: undefined };
    default:
      return {};
  }
}

/** By UTF-16 units, as JSON wants it. */
function escapeUnits(character: string): string {
  return [...Array(character.length).keys()]
    .map((index) => `\\u${character.charCodeAt(index).toString(16).padStart(4, '0')}`)
    .join('');
}
