/**
 * Who made a lock or a temporary file, and whether that process still runs. A process id alone does not say it: ids are
 * used again, so the start time goes with it where the system tells it (/proc).
 */
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { systemCodeOf } from '../errors/mailferry-error.ts';

export interface ProcessIdentity {
  readonly host: string;
  readonly pid: number;
  /** Clock ticks from boot to start and the boot's id, opaque; empty where the system does not tell. */
  readonly start: string;
}

export function thisProcess(): ProcessIdentity {
  return { host: hostname().replaceAll(/[^\w.-]/g, '_'), pid: process.pid, start: startOf(process.pid) };
}

/** `unknown`: it ran on another host, where nothing can be asked. */
export function isRunning({ host, pid, start }: ProcessIdentity): boolean | 'unknown' {
  if (host !== thisProcess().host) {
    return 'unknown';
  }
  const found = startOf(pid);
  if (start !== '' && found !== '') {
    return found === start;
  }
  return hasPid(pid);
}

function hasPid(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (thrown) {
    return systemCodeOf(thrown) !== 'ESRCH';
  }
}

function startOf(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The name, field 2, may hold spaces and parentheses: count from behind its last one (proc(5)); the start is field 22.
    const ticks = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').slice(0, 8);
    return `${ticks}-${boot}`;
  } catch {
    // No /proc, or no such process: the caller falls back to asking for the id.
    return '';
  }
}

/** As one line without spaces: `1234:host:start`. */
export function formatIdentity({ host, pid, start }: ProcessIdentity): string {
  return `${pid}:${host}:${start}`;
}

/** What `formatIdentity` made, or undefined where somebody else wrote it. */
export function parseIdentity(text: string): ProcessIdentity | undefined {
  const match = /^(\d{1,10}):([\w.-]{1,255}):([\w-]{0,64})$/.exec(text);
  const [, pid, host, start] = match ?? [];
  return pid === undefined || host === undefined || start === undefined
    ? undefined
    : { pid: Number(pid), host, start };
}
