/**
 * One process per job: an exclusive lock that the operating system takes back when the process ends, however it ends.
 *
 * Node has no file locks, SQLite has: `job.lock` is an empty database on which `BEGIN EXCLUSIVE` is held. It is a file
 * of its own so that readers of the ledger are never in its way. Nobody may open it by other means in this process:
 * closing any handle of a file drops the POSIX locks that the process has on it (https://sqlite.org/howtocorrupt.html §2.2).
 */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { MailferryError, systemCodeOf } from '../errors/mailferry-error.ts';
import { ledgerError } from './ledger-error.ts';
import { Database } from './sqlite.ts';
import { createFile } from './state-folder.ts';

export interface JobLock {
  release(): void;
}

/**
 * Takes the lock or throws at once.
 * @throws MailferryError `job-running` (scope `run`, retry `later`) while another ledger of this state folder is open.
 */
export function takeJobLock(statePath: string, job: string, now: () => number): JobLock {
  const lockPath = join(statePath, 'job.lock');
  const holderPath = join(statePath, 'job.holder');
  createFile(lockPath);
  const database = new Database(lockPath, { readOnly: false, busyTimeoutMs: 0 });
  try {
    // Nothing is ever written, so there is nothing to journal: this only keeps a needless file away.
    database.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE');
  } catch (thrown) {
    database.close();
    throw isBusy(thrown) ? jobRunning(job, holderPath, thrown) : thrown;
  }
  try {
    noteHolder(holderPath, now());
  } catch (thrown) {
    database.close();
    throw thrown;
  }
  return {
    release: () => {
      // First the note, then the lock: the other way round we might remove the note of the next holder.
      try {
        rmSync(holderPath, { force: true });
      } catch (thrown) {
        throw ledgerError(thrown, holderPath);
      } finally {
        database.close();
      }
    },
  };
}

function isBusy(thrown: unknown): boolean {
  return thrown instanceof MailferryError && thrown.code === 'ledger-busy';
}

function jobRunning(job: string, holderPath: string, cause: unknown): MailferryError {
  return new MailferryError(`the job ${job} is already running${holderText(holderPath)}`, {
    code: 'job-running',
    scope: 'run',
    retry: 'later',
    hint: 'Wait until that run has ended, or stop it; the lock goes with its process.',
    cause,
  });
}

/** Who holds the lock, for people only: the lock itself is what counts. */
function noteHolder(holderPath: string, now: number): void {
  try {
    writeFileSync(
      holderPath,
      `process ${process.pid} on ${hostname()} since ${new Date(now).toISOString()}\n`,
      {
        mode: 0o600,
      },
    );
  } catch (thrown) {
    throw ledgerError(thrown, holderPath);
  }
}

function holderText(holderPath: string): string {
  try {
    const text = readFileSync(holderPath, 'utf8').trim();
    return text === '' ? '' : ` (${text.slice(0, 200)})`;
  } catch (thrown) {
    // The holder has taken the lock and not yet written its note, or is just ending.
    if (systemCodeOf(thrown) === 'ENOENT') {
      return '';
    }
    throw ledgerError(thrown, holderPath);
  }
}
