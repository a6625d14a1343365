/**
 * Bundles the compiled program: `build/` (one file a module) into `dist/` (a few files). A program that cron starts every night, and a test
 * thousands of times, should not look for 250 files first: half of its start went there. Packages with native parts or many
 * megabytes stay where npm puts them, and are loaded when they are needed; so does what is optional.
 *
 * The files are CommonJS, for which V8's code can be kept (bin/load-program.js): it is written by running the demo once.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));

const bundle = await rolldown({
  input: here('../build/cli/main.js'),
  platform: 'node',
  external: [/^node:/, /^libsql/, /^@aws-sdk\//, 'kerberos'],
});
const { output } = await bundle.write({
  dir: here('../dist/cli'),
  format: 'cjs',
  // `import()` in these scripts would look for packages from the working directory.
  dynamicImportInCjs: false,
  entryFileNames: '[name].cjs',
  chunkFileNames: '[name]-[hash].cjs',
  // Read faster: no comments but licences, and octets that are characters (bin/load-program.js). Else it stays as it was written.
  comments: { legal: true, annotation: false, jsdoc: false },
  minify: { compress: false, mangle: false, codegen: { asciiOnly: true, removeWhitespace: false } },
});
await bundle.close();
for (const { fileName, code } of output) {
  const at = code?.search(/[\u0080-\uffff]/) ?? -1;
  if (at !== -1) {
    throw new Error(`${fileName} is not ASCII: ${JSON.stringify(code.slice(Math.max(0, at - 60), at + 20))}`);
  }
}

const folder = mkdtempSync(join(tmpdir(), 'mailferry-build-'));
const { status, stderr } = spawnSync(process.execPath, [here('./write-code-cache.cjs'), 'demo'], {
  cwd: folder,
  encoding: 'utf8',
  timeout: 60_000,
});
rmSync(folder, { recursive: true, force: true });
if (status !== 0) {
  process.stderr.write(`the program is built, but starts more slowly: its demo does not run here\n${stderr}`);
}
