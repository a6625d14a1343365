/**
 * The built program as npm installs it: beside its packages in a `node_modules`, to which a test adds an optional one or not. What a
 * checkout's own `node_modules` happens to hold besides does not count.
 */
import { cpSync, mkdirSync, readdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/**
 * @param folder an empty one
 * @param optional each optional package that there is, with its folder; undefined where it shall be missing
 * @returns path of `bin/mailferry.js`
 */
export function installProgram(
  folder: string,
  optional: Readonly<Record<string, string | undefined>>,
): string {
  const modules = join(folder, 'node_modules');
  const program = join(modules, 'mailferry');
  mkdirSync(program, { recursive: true });
  for (const part of ['bin', 'dist', 'package.json'])
    cpSync(join(ROOT, part), join(program, part), { recursive: true });
  const packages = readdirSync(join(ROOT, 'node_modules')).filter(
    (name) => !name.startsWith('.') && !Object.hasOwn(optional, name),
  );
  for (const name of packages) symlinkSync(join(ROOT, 'node_modules', name), join(modules, name));
  for (const [name, path] of Object.entries(optional)) {
    if (path !== undefined) symlinkSync(path, join(modules, name));
  }
  return join(program, 'bin', 'mailferry.js');
}
