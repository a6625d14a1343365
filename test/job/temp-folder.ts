/** A folder for the files of one test, gone when it ends. */
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { onTestFinished } from 'vitest';

export interface TempFolder {
  readonly path: string;
  /** Writes a file and gives its absolute path. */
  write(name: string, content: string | Buffer, mode?: number): Promise<string>;
}

export async function tempFolder(): Promise<TempFolder> {
  const path = await mkdtemp(join(tmpdir(), 'mailferry-job-'));
  onTestFinished(() => rm(path, { recursive: true, force: true }));
  return {
    path,
    write: async (name, content, mode = 0o600) => {
      const file = join(path, name);
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, content);
      await chmod(file, mode);
      return file;
    },
  };
}
