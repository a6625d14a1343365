/**
 * The program: reads the command line, runs one command, turns what it came to into an exit code.
 */
import { readFileSync } from 'node:fs';
import { EXIT, type ExitCode, exitCodeOfError } from './exit-code.ts';
import type { CliIo } from './io.ts';
import { createProgram } from './program.ts';
import { tellError } from './tell-error.ts';

const io: CliIo = { stdout: process.stdout, stderr: process.stderr, env: process.env };

// A reader that has seen enough (`| head`) is no failure of ours. Where a disk takes no more, the command goes on to its end
// (an archive is worth more than its log), and the exit code says that something is missing from the output.
let isOutputLost = false;
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (cause: NodeJS.ErrnoException) => {
    isOutputLost ||= cause.code !== 'EPIPE';
  });
}
process.once('exit', (code) => {
  if (isOutputLost && code === EXIT.done) {
    process.exitCode = EXIT.failed;
  }
});

// Whatever ends the process before the command has settled is a defect, and must not pass for success.
process.exitCode = EXIT.unexpected;
void main(process.argv.slice(2)).then((code) => {
  process.exitCode = code;
});

async function main(args: readonly string[]): Promise<ExitCode> {
  let code: ExitCode = EXIT.done;
  const program = createProgram(readVersion(), io, (settled) => {
    code = settled;
  });
  try {
    if (args.length === 0) {
      program.outputHelp();
      return EXIT.done;
    }
    await program.parseAsync([...args], { from: 'user' });
    return code;
  } catch (cause) {
    if (isCommanderExit(cause)) {
      return cause.exitCode === 0 ? EXIT.done : EXIT.usage;
    }
    tellError(cause, io);
    return exitCodeOfError(cause);
  }
}

/** commander has printed its help or its complaint already. */
function isCommanderExit(cause: unknown): cause is { exitCode: number } {
  return (
    cause instanceof Error &&
    'exitCode' in cause &&
    'code' in cause &&
    String(cause.code).startsWith('commander.')
  );
}

function readVersion(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  const { version }: { version?: unknown } = JSON.parse(text);
  return String(version);
}
