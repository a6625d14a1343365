/**
 * OpenStack Swift with its S3 layer, of the test's own: the weak store. It answers 501 to conditional puts, silently ignores
 * checksums, Object Lock and customer keys, and does keep Content-MD5 and signed payloads. Up in 5 s. Needs user xattrs in
 * the temporary folder. Must not use any code of the product.
 */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { findFreePorts } from './free-ports.ts';
import { ProcessGroup } from './process-group.ts';
import { cpuSecondsOf, S3_HOST, type S3Server, untilListening } from './s3.ts';
import { proxyConfigText, SWIFT_CONF, storageConfigText } from './swift-config.ts';

const exec = promisify(execFile);
const START_DEADLINE_MS = 60_000;
const ATTEMPTS = 3;
const STORAGE = ['account', 'container', 'object'] as const;

/** Starts one and gives it back once it answers. Throws what the programs said when it does not. Must be stopped. */
export async function startSwift(): Promise<S3Server> {
  for (let attempt = 1; ; attempt++) {
    const folder = await mkdtemp(join(tmpdir(), 'mailferry-swift-'));
    const programs: ProcessGroup[] = [];
    try {
      return await startIn(folder, programs);
    } catch (error) {
      await endAll(programs, folder);
      // A port that was free a moment ago may be taken by now.
      if (attempt === ATTEMPTS) throw error;
    }
  }
}

async function startIn(folder: string, programs: ProcessGroup[]): Promise<S3Server> {
  const config = { folder, user: userInfo().username };
  const [port, unused, ...storagePorts] = await findFreePorts(2 + STORAGE.length);
  if (port === undefined || unused === undefined) throw new Error('ports were asked for');
  const etc = join(folder, 'etc');
  for (const name of ['etc', 'srv/d1', 'cache']) await mkdir(join(folder, name), { recursive: true });
  await writeFile(join(etc, 'swift.conf'), SWIFT_CONF);
  await writeFile(join(etc, 'proxy-server.conf'), proxyConfigText(config, port, unused));
  await Promise.all(
    STORAGE.map(async (kind, index) => {
      const storagePort = storagePorts[index] ?? 0;
      await writeFile(join(etc, `${kind}-server.conf`), storageConfigText(config, kind, storagePort));
      await makeRing(etc, kind, storagePort);
    }),
  );
  const start = (kind: string): ProcessGroup => {
    const program = new ProcessGroup(`swift-${kind}-server`, [join(etc, `${kind}-server.conf`)]);
    programs.push(program);
    return program;
  };
  STORAGE.forEach(start);
  const proxy = start('proxy');
  await untilListening([...storagePorts, port], programs, START_DEADLINE_MS);
  return {
    endpoint: `http://${S3_HOST}:${port}`,
    region: 'us-east-1',
    accessKeyId: 'test:tester',
    secretAccessKey: 'testing',
    freeze: () => process.kill(-proxy.pid, 'SIGSTOP'),
    thaw: () => process.kill(-proxy.pid, 'SIGCONT'),
    cpuSeconds: () => programs.reduce((sum, { pid }) => sum + cpuSecondsOf(pid), 0),
    stop: () => endAll(programs, folder),
  };
}

async function makeRing(cwd: string, kind: string, port: number): Promise<void> {
  const builder = `${kind}.builder`;
  const steps = [['create', '4', '1', '0'], ['add', `r1z1-${S3_HOST}:${port}/d1`, '1'], ['rebalance']];
  for (const step of steps) await exec('swift-ring-builder', [builder, ...step], { cwd });
}

async function endAll(programs: readonly ProcessGroup[], folder: string): Promise<void> {
  await Promise.all(programs.map((program) => program.end()));
  await rm(folder, { recursive: true, force: true });
}
