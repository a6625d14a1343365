/** Where the project is, seen from the compiled bench, and small things that several parts need. */
import { existsSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Absolute path of the folder with package.json. */
export const PROJECT = findProject(dirname(fileURLToPath(import.meta.url)));

export function makeMaildir(folder: string): void {
  for (const part of ['tmp', 'new', 'cur']) mkdirSync(join(folder, part), { recursive: true });
}

function findProject(folder: string): string {
  return existsSync(join(folder, 'package.json')) ? folder : findProject(dirname(folder));
}
