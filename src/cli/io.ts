/**
 * What a command talks to: stdout for results, stderr for progress and log. Given, so that tests can listen.
 */
export interface CliIo {
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
  readonly env: Readonly<Record<string, string | undefined>>;
}
