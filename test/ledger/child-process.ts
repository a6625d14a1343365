/**
 * Starts child.ts as a process of its own. Node 20 runs no TypeScript, so it is compiled first, to a temporary folder: these
 * tests say the same whether or not the project was built.
 */
import { type ChildProcessByStdio, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { execPath } from 'node:process';
import type { Readable, Writable } from 'node:stream';
import { onTestFinished } from 'vitest';

export type Child = ChildProcessByStdio<Writable, Readable, null>;

export interface CompiledChild {
  readonly script: string;
  remove(): void;
}

export function compileChild(): CompiledChild {
  const project = resolve(import.meta.dirname, '../..');
  const folder = mkdtempSync(join(tmpdir(), 'mailferry-child-'));
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
  symlinkSync(join(project, 'node_modules'), join(folder, 'node_modules'));
  writeFileSync(
    join(folder, 'tsconfig.json'),
    JSON.stringify({
      extends: join(project, 'tsconfig.json'),
      compilerOptions: {
        noEmit: false,
        rootDir: project,
        outDir: folder,
        typeRoots: [join(project, 'node_modules/@types')],
      },
      files: [join(project, 'test/ledger/child.ts')],
      include: [],
    }),
  );
  const remove = () => rmSync(folder, { recursive: true, force: true });
  try {
    execFileSync(execPath, [join(project, 'node_modules/typescript/bin/tsc'), '-p', folder], {
      stdio: 'inherit',
    });
  } catch (thrown) {
    remove();
    throw thrown;
  }
  return { script: join(folder, 'test/ledger/child.js'), remove };
}

/** Runs until it is killed, at the latest when the test is over. */
export function startChild(script: string, ...parameters: readonly string[]): Child {
  const child = spawn(execPath, [script, ...parameters], { stdio: ['pipe', 'pipe', 'inherit'] });
  onTestFinished(() => killChild(child));
  return child;
}

/** Sends SIGKILL and waits until the process is gone. */
export async function killChild(child: Child): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) {
    const gone = once(child, 'close');
    child.kill('SIGKILL');
    await gone;
  }
}
