/** The POP3 server of gssapi-server.py, which holds a service's true key and need not say the truth by it. */
import { fileURLToPath } from 'node:url';
import { findFreePorts } from './free-ports.ts';
import { untilGreeting } from './greeting.ts';
import type { Kdc } from './kdc.ts';
import { ProcessGroup } from './process-group.ts';

const SCRIPT = fileURLToPath(new URL('./gssapi-server.py', import.meta.url));
/** Debian's, which has the module `gssapi`; another one in PATH may not. */
const PYTHON = '/usr/bin/python3';

export class GssapiServer {
  readonly port: number;
  readonly #process: ProcessGroup;

  private constructor(port: number, process: ProcessGroup) {
    this.port = port;
    this.#process = process;
  }

  /** @param offer hex of what it wraps as its offer of security layers. Must be stopped. */
  static async start(
    { configPath, keytabPath }: Kdc,
    offer: string,
    isSealed = false,
  ): Promise<GssapiServer> {
    const [port] = await findFreePorts(1);
    if (port === undefined) throw new Error('a port was asked for');
    const args = [SCRIPT, String(port), offer, ...(isSealed ? ['--sealed'] : [])];
    const env = { KRB5_CONFIG: configPath, KRB5_KTNAME: keytabPath, KRB5RCACHENAME: 'none:' };
    const server = new ProcessGroup(PYTHON, args, env);
    try {
      await untilGreeting(port, server);
    } catch (error) {
      await server.end();
      throw new Error(`the server did not start:\n${server.output}`, { cause: error });
    }
    return new GssapiServer(port, server);
  }

  /** What it has printed behind a word, line by line. */
  said(word: 'token' | 'heard'): string[] {
    const lines = this.#process.output.split('\n').map((line) => line.split(' '));
    return lines.filter(([first]) => first === word).map(([, rest = '']) => rest);
  }

  get isCancelled(): boolean {
    return this.#process.output.split('\n').includes('cancelled');
  }

  stop(): Promise<void> {
    return this.#process.end();
  }
}
