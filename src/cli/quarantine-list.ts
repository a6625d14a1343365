/**
 * What `status` says of quarantined messages: why each is set aside, how often it failed, what arrived of it and where that is.
 */
import type { TroubledMessage } from '../ledger/ledger.ts';
import { type KeptPart, keptIn } from '../message/quarantine-note.ts';
import { formatCount, plural, printable } from '../report/format.ts';

export interface QuarantinedMessage extends TroubledMessage {
  /** What arrived of it, and its note; null where nothing is kept. */
  readonly kept: KeptPart | null;
}

/** @param folder the quarantine folder of the job */
export function withKept(messages: readonly TroubledMessage[], folder: string): QuarantinedMessage[] {
  const find = keptIn(folder);
  return messages.map((message) => ({ ...message, kept: find(message) ?? null }));
}

/** Lines of text; @param total how many there are, of which `messages` are shown. */
export function renderQuarantined(messages: readonly QuarantinedMessage[], total: number): string[] {
  const untold = total - messages.length;
  return [
    `Quarantined, ${plural(total, 'message')}; "mailferry run --retry quarantined JOB" fetches again:`,
    ...messages.flatMap(renderOne),
    ...(untold > 0 ? [`  … and ${formatCount(untold)} more; --json lists them`] : []),
  ];
}

function renderOne(message: QuarantinedMessage): string[] {
  const { account, uidl, attempts, firstSeenAt, lastError, lastErrorCode, unlistedAt, kept } = message;
  const lines = [
    `${account}: message "${uidl}", ${plural(attempts, 'attempt')}, first seen ${toTime(firstSeenAt)}`,
    `  why: ${lastError ?? 'unknown'} [${lastErrorCode ?? 'unknown'}]`,
    ...(kept === null ? [] : [`  arrived: ${describeKept(message, kept)}`]),
    ...(unlistedAt === null
      ? []
      : [
          `  not listed since ${toTime(unlistedAt)}: somebody removed it, or the server does not show it now; it cannot be had`,
        ]),
  ];
  return lines.map((line) => `  ${printable(line)}`);
}

function describeKept({ listedOctets }: QuarantinedMessage, kept: KeptPart): string {
  const { receivedOctets, partPath, notePath } = kept;
  const received = receivedOctets === null ? '' : formatCount(receivedOctets);
  const listed = listedOctets === null ? '' : ` (listed: ${formatCount(listedOctets)})`;
  return partPath === null ? `nothing; ${notePath}` : `${received} octets${listed}, ${partPath}`;
}

export function toTime(ms: number): string {
  return new Date(ms).toISOString().replace('T', ' ').slice(0, 19);
}
