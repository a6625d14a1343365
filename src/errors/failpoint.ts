/**
 * Failpoints: named places between two steps of a promise, at which tests stop the program to see what the next run makes
 * of it. A failpoint is passed as a call through the context; in ordinary runs that is a call of an empty function.
 * This file names the places. It must not know who listens (job/failpoint-switch.ts) or what stands at them.
 */

/** Every place, in about the order in which a run comes to them, with what is true there. */
export const FAILPOINTS = {
  'ledger.before-commit': 'A transaction of the ledger is written and not committed.',
  'ledger.after-commit': 'A transaction of the ledger is committed, and may not outlast a power cut yet.',
  'ledger.synced': 'All that the ledger has committed so far is durable.',
  'run.started': 'The run has its number in the ledger; no account is begun.',
  'refetch.compared':
    'Every receipt of the account was read back; what is lost is known, and nothing was changed.',
  'refetch.set-aside':
    'What is damaged in one sink is out of the way, durably; the ledger still has its receipts.',
  'refetch.returned':
    'What had come back after its deletion is not in deletion any more; the receipts are still there.',
  'refetch.forgotten':
    'The receipts of what one sink has lost are gone from the ledger; nothing is fetched yet.',
  'account.listed': 'The account is logged in, listed and classified; nothing is asked of it yet.',
  'session.broken': 'A session broke; what was whole is archived, and another is to be opened.',
  'session.ended': 'A session ended in order, and another is to be opened.',
  'pipelining.noted': 'The ledger knows that pipelining does not work at the host.',
  'traffic.reserved':
    'A part of what the account may fetch today is set aside in the ledger; nothing of it is asked for.',
  'traffic.settled': 'What was set aside and not fetched is given back.',
  'account.reconciled': 'What earlier runs asked to delete is compared with the listing, and recorded.',
  'spool.spilled': 'A message outgrew memory: its first octets are in a spool file.',
  'spool.finished': 'A large message is whole in its spool file.',
  'spool.removed': 'A spool file is no longer needed and is gone.',
  'quarantine.part-written': 'What arrived of a message that failed is durable, and has no note.',
  'quarantine.kept':
    'What arrived of a message that failed is durable with its note; an earlier attempt is still there.',
  'batch.fetched': 'Messages are whole, in memory or in the spool; no sink has seen them.',
  'sink.maildir.opened': 'The folders of a Maildir are there, and tmp is clean.',
  'sink.maildir.claimed': 'What an interrupted batch left in new was compared and is given receipts.',
  'sink.maildir.intended': 'The keys of the batch are durable in the journal; no file is there.',
  'sink.maildir.written': 'One file of the batch is written in tmp.',
  'sink.maildir.synced': 'All files of the batch are synced in tmp.',
  'sink.maildir.renamed': 'One file of the batch is in new; the folder is not synced.',
  'sink.maildir.folder-synced': 'The batch is durable in new; nobody has its receipts.',
  'sink.mbox.created': 'A new mbox is there, empty and durable.',
  'sink.mbox.opened': 'The mbox is locked, and what a crash left at its end is cut.',
  'sink.mbox.intended': 'The end of the batch and its From_ lines are durable in the journal.',
  'sink.mbox.extended': 'The mbox has its new length; its new octets are NUL.',
  'sink.mbox.appended': 'The batch is written and not synced.',
  'sink.mbox.synced': 'The batch is durable in the mbox; nobody has its receipts.',
  'sink.mbox.cut': 'What an interrupted batch left at the end is cut off.',
  'sink.s3.probed': 'What the object store can do was found out, and is kept.',
  'sink.s3.upload-ended': 'A multipart upload that a crash left behind is given up.',
  'sink.s3.announced': 'The digests of the batch are durable in the journal; nothing of it was put.',
  'sink.s3.put-begun': 'One put is begun: the store may have nothing of it, or all.',
  'sink.s3.upload-begun': 'A multipart upload is begun; only the store knows of it.',
  'sink.s3.upload-noted': 'A multipart upload is noted in the journal; no part was sent.',
  'sink.s3.part-answered': 'One part of a multipart upload is in the store.',
  'sink.s3.upload-finished': 'A multipart upload has become an object; the journal still has it as begun.',
  'sink.s3.put-answered': 'The store has answered one put, or that its key is taken; nothing is proved.',
  'sink.s3.proved': 'One object is proved; nobody has its receipt.',
  'sink.s3.manifest-written': 'The lines of the batch are durable in the manifest’s file.',
  'sink.s3.manifest-sealed': 'The manifest is whole and takes no more lines; it was not sent.',
  'sink.s3.manifest-sent': 'The manifest is in the store; the next one does not know of it.',
  'sink.s3.manifest-linked': 'The next manifest will name this one; its file is still there.',
  'batch.read-back': 'One sink has stored its part, and it was read back where the job wants that.',
  'batch.stored': 'Every sink has answered for the batch; the ledger has no receipt.',
  'batch.recorded': 'The receipts of the batch are durable in the ledger.',
  'deletion.decided': 'What may go is decided and compared; nothing is declared.',
  'deletion.requested': 'The wish to delete is durable in the ledger; no DELE was sent.',
  'dele.sent': 'One DELE is on its way.',
  'dele.answered': 'One DELE was answered +OK; QUIT was not sent.',
  'quit.sent': 'QUIT is on its way.',
  'quit.answered': 'QUIT was answered +OK; the ledger does not know.',
  'deletion.answered': 'The ledger knows that QUIT was answered.',
  'account.recorded': 'What the account came to is durable in the ledger.',
  'run.finished': 'The end of the run is durable in the ledger; sinks and ledger are still open.',
} as const satisfies Record<string, string>;

export type FailpointName = keyof typeof FAILPOINTS;

/** Called at each place. It returns, or throws, or ends the process; it must not wait. */
export type Failpoint = (name: FailpointName) => void;

/** What every ordinary run is given. */
export const NO_FAILPOINT: Failpoint = () => undefined;

/** The same for a place where something is on its way: a failure there must not leave that without anybody who waits for it. */
export async function passWhile<Result>(
  pending: Promise<Result>,
  failpoint: Failpoint,
  name: FailpointName,
): Promise<Result> {
  const pass = async (): Promise<void> => failpoint(name);
  const [result] = await Promise.all([pending, pass()]);
  return result;
}
