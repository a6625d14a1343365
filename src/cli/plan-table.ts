/**
 * What `plan` prints: a row for each account, with columns about deletion only where the job deletes, and each message for
 * those who ask. Pure.
 */
import type { Keeping } from '../pipeline/decide-deletion.ts';
import type { BeforeDeletion } from '../pipeline/plan-deletion.ts';
import type { AccountPlan } from '../pipeline/plan-job.ts';
import { formatCount, formatOctets } from '../report/format.ts';
import { type Column, type Row, renderTable } from '../report/table.ts';

interface PlanColumn extends Column {
  readonly cell: (plan: AccountPlan) => string;
  readonly total: (plans: readonly AccountPlan[]) => string;
}

const NAME: PlanColumn = { title: 'account', cell: ({ account }) => account, total: () => 'total' };

function column(
  title: string,
  countOf: (plan: AccountPlan) => number,
  format: (value: number) => string = formatCount,
): PlanColumn {
  return {
    title,
    align: 'right',
    cell: (plan) => format(countOf(plan)),
    total: (plans) => format(plans.reduce((sum, plan) => sum + countOf(plan), 0)),
  };
}

const ARCHIVAL: readonly PlanColumn[] = [
  column('listed', ({ listed }) => listed),
  column('archived', ({ archivedBefore }) => archivedBefore),
  column('to fetch', ({ wanted }) => wanted.length),
  column('size', ({ wantedOctets }) => wantedOctets, formatOctets),
  column('skipped', ({ skipped }) => skipped),
  column('quarantined', ({ quarantined }) => quarantined),
];

/** In the order in which the rules are asked. */
const REASONS: readonly Keeping[] = [
  'unique-ids changed',
  'not archived',
  'ambiguous',
  'not verified',
  'keep.newest',
  'keep.for',
  'delete.age',
  'keep.below',
  'delete.max',
  'delete.maxPercent',
];

/** Of the reasons to keep a message those are shown that keep one. */
function planColumns(plans: readonly AccountPlan[]): readonly PlanColumn[] {
  const reasons = REASONS.filter((why) => plans.some(({ deletion }) => (deletion?.keptBy[why] ?? 0) > 0));
  const deletion = [
    column('to delete', (plan) => plan.deletion?.due.length ?? 0),
    ...reasons.map((why) => column(`stay: ${why}`, (plan) => plan.deletion?.keptBy[why] ?? 0)),
  ];
  const isDeleting = plans.some((plan) => plan.deletion !== null);
  return [NAME, ...ARCHIVAL, ...(isDeleting ? deletion : [])];
}

export function renderPlans(plans: readonly AccountPlan[]): string[] {
  const columns = planColumns(plans);
  const rows: Row[] = plans.map((plan) => columns.map(({ cell }) => cell(plan)));
  return renderTable(columns, [...rows, 'rule', columns.map(({ total }) => total(plans))]);
}

const MESSAGE_COLUMNS: readonly Column[] = [
  { title: 'account' },
  { title: 'unique-id' },
  { title: 'size', align: 'right' },
  { title: 'why' },
];

/** What would be fetched, and what is set aside; and where the job deletes, what would become of each listed message at the source. */
export function renderMessages(plans: readonly AccountPlan[]): string[] {
  const columns = MESSAGE_COLUMNS;
  const wanted = renderTable(columns, [...plans.flatMap(toMessageRows), ...plans.flatMap(toQuarantinedRows)]);
  const deletions = plans.flatMap(toDeletionRows);
  return deletions.length === 0
    ? wanted
    : [
        ...wanted,
        '',
        'At the source:',
        ...renderTable([...columns.slice(0, -1), { title: 'then' }], deletions),
      ];
}

function toMessageRows({ account, wanted }: AccountPlan): Row[] {
  return wanted.map(({ uidl, listedOctets, kind }) => [account, uidl, sizeText(listedOctets), kind]);
}

function toQuarantinedRows({ account, setAside }: AccountPlan): Row[] {
  return setAside.map(({ uidl, listedOctets }) => [
    account,
    uidl,
    sizeText(listedOctets),
    'quarantined: not fetched',
  ]);
}

function toDeletionRows({ account, deletion }: AccountPlan): Row[] {
  if (deletion === null) {
    return [];
  }
  const words: Readonly<Record<BeforeDeletion, string>> = {
    nothing: 'deleted',
    proved: 'deleted; would be proved first',
    'fetched and proved': 'deleted; would be fetched and proved first',
  };
  const { due, kept } = deletion;
  const texts = [
    ...due.map(({ first, ...message }) => ({ ...message, text: words[first] })),
    ...kept.map(({ why, ...message }) => ({ ...message, text: `stays: ${why}` })),
  ].sort((left, right) => left.number - right.number);
  return texts.map(({ uidl, listedOctets, text }) => [account, uidl, sizeText(listedOctets), text]);
}

function sizeText(octets: number | null): string {
  return octets === null ? '?' : formatOctets(octets);
}
