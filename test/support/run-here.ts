/**
 * The program inside the test's own process: for runs that only have to be well, of which crash tests make very many. A process
 * of its own for each (mailferry.ts) takes ten times as long to start as such a run takes.
 */
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import type { CliIo } from '../../src/cli/io.ts';
import { createProgram } from '../../src/cli/program.ts';
import type { Ended } from './mailferry.ts';

/** Runs it to its end. @throws what a process of its own would have printed as a mistake in its use */
export async function runHere(args: readonly string[], env: Record<string, string>): Promise<Ended> {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const printed = Promise.all([text(stdout), text(stderr)]);
  // Streams that are no terminals: what a pipe looks like to the program.
  const io = { stdout, stderr, env } as unknown as CliIo;
  let code: number | null = null;
  const program = createProgram('0.0.0', io, (settled) => {
    code = settled;
  });
  await program.parseAsync([...args], { from: 'user' });
  stdout.end();
  stderr.end();
  const [out, err] = await printed;
  return { code, signal: null, stdout: out, stderr: err, peakOctets: undefined };
}
