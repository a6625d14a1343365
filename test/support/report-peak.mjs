/**
 * Loaded before the program (`node --import`), tells on file descriptor 3 how much memory was resident at most, in octets.
 * Linux's own figure for this process image: getrusage would give the parent's peak where that was higher.
 */
import { readFileSync, writeSync } from 'node:fs';

process.on('exit', () => {
  const [, kibibytes] = /^VmHWM:\s*(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'latin1')) ?? [];
  writeSync(3, String(Number(kibibytes) * 1024));
});
