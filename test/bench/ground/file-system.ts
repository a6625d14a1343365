/** What kind of file system a folder is on, as the kernel has it. */
import { readFileSync, realpathSync } from 'node:fs';
import { basename, join } from 'node:path';
import { runCommand } from './command.ts';

/** Its type, and of ext3 and ext4 whether they have a journal, which decides what an fsync costs. */
export function describeFileSystem(folder: string): string {
  try {
    const [type = '', device = ''] = runCommand(
      ...['findmnt', '--noheadings', '--output=FSTYPE,MAJ:MIN', '--target', folder],
    ).split(/\s+/);
    return type === 'ext3' || type === 'ext4' ? `${type} ${describeJournal(mountOptions(device))}` : type;
  } catch {
    return 'unknown file system';
  }
}

/** @param options a line each, as /proc/fs/ext4 has them: the mode of the data is there only with a journal. Pure. */
export function describeJournal(options: string | undefined): string {
  if (options === undefined) return 'with or without a journal';
  const mode = options.split('\n').find((option) => option.startsWith('data='));
  return mode === undefined ? 'without a journal' : `with a journal (${mode})`;
}

/** Undefined where /proc does not tell. @param device major and minor number */
function mountOptions(device: string): string | undefined {
  try {
    const name = basename(realpathSync(join('/sys/dev/block', device)));
    return readFileSync(join('/proc/fs/ext4', name, 'options'), 'utf8');
  } catch {
    return undefined;
  }
}
