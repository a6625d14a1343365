/** Runs the system's own programs, to their end. */
import { spawnSync } from 'node:child_process';

/** Where mkfs.ext4 and losetup are; not every root has it in PATH. */
const SYSTEM_FOLDERS = '/usr/sbin:/sbin';

/** What the program printed. Throws with what it said when it fails. A Ctrl-C for the bench is none for the program. */
export function runCommand(...command: readonly string[]): string {
  const env = { ...process.env, PATH: `${process.env['PATH'] ?? ''}:${SYSTEM_FOLDERS}`, LC_ALL: 'C' };
  const { error, status, stdout, stderr } = spawnSync('setsid', command, { env, encoding: 'utf8' });
  if (error !== undefined) throw error;
  if (status !== 0) throw new Error(stderr.trim() || `${command[0]} ended with ${status}`);
  return stdout.trim();
}
