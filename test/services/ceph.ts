/**
 * Ceph's object gateway (Debian's radosgw, ceph-mon, ceph-osd) of the test's own: up in 2 s, all data in memory. It keeps
 * conditional puts, Object Lock, versions, signed payloads and Content-MD5; it ignores x-amz-checksum-* and `If-None-Match` at
 * the end of a multipart upload. Must not use any code of the product.
 */
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { cephConfigText } from './ceph-config.ts';
import { findFreePorts } from './free-ports.ts';
import { ProcessGroup } from './process-group.ts';
import { cpuSecondsOf, S3_HOST, type S3Server, untilListening } from './s3.ts';

const exec = promisify(execFile);
const START_DEADLINE_MS = 60_000;
const ATTEMPTS = 3;
const KEYS = { accessKeyId: 'testaccesskey', secretAccessKey: 'testsecretkey0123456789' };
const USER = 'test';

export interface Ceph extends S3Server {
  /** Runs radosgw-admin and gives what it printed, e.g. `admin('quota', 'set', …)`. */
  admin(...args: string[]): Promise<string>;
}

/** Starts one and gives it back once it answers. Throws what the programs said when it does not. Must be stopped. */
export async function startCeph(): Promise<Ceph> {
  for (let attempt = 1; ; attempt++) {
    const folder = await mkdtemp(join(tmpdir(), 'mailferry-ceph-'));
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

async function startIn(folder: string, programs: ProcessGroup[]): Promise<Ceph> {
  const [port, v2, v1, ...osdPorts] = await findFreePorts(3);
  if (port === undefined || v2 === undefined || v1 === undefined || osdPorts.length > 0)
    throw new Error('ports');
  for (const name of ['mon', 'osd', 'rgw', 'run']) await mkdir(join(folder, name));
  const config = join(folder, 'ceph.conf');
  const clusterId = randomUUID();
  const osdRange = { first: 20_000, last: 32_000 };
  await writeFile(
    config,
    cephConfigText({ folder, clusterId, port, monitorPorts: [v2, v1], osdPorts: osdRange }),
  );
  await makeKeys(folder);
  await startMonitor(folder, config, clusterId, [v2, v1], programs);
  await startOsd(folder, config, programs);
  const gateway = new ProcessGroup('radosgw', ['-c', config, '-f', '-n', 'client.rgw', '--no-mon-config']);
  programs.push(gateway);
  const admin = async (...args: string[]): Promise<string> => {
    const common = ['-c', config, '-n', 'client.rgw', '--no-mon-config'];
    return (await exec('radosgw-admin', [...common, ...args], { timeout: START_DEADLINE_MS })).stdout;
  };
  const { accessKeyId, secretAccessKey } = KEYS;
  await admin(
    'user',
    'create',
    `--uid=${USER}`,
    '--display-name=test',
    `--access-key=${accessKeyId}`,
    `--secret-key=${secretAccessKey}`,
  );
  await untilListening([port], programs, START_DEADLINE_MS);
  return {
    endpoint: `http://${S3_HOST}:${port}`,
    region: 'us-east-1',
    ...KEYS,
    admin,
    freeze: () => process.kill(gateway.pid, 'SIGSTOP'),
    thaw: () => process.kill(gateway.pid, 'SIGCONT'),
    cpuSeconds: () => programs.reduce((sum, { pid }) => sum + cpuSecondsOf(pid), 0),
    stop: () => endAll(programs, folder),
  };
}

/** One keyring holds every key; the monitor imports all of them, with their rights, when its store is made. */
async function makeKeys(folder: string): Promise<void> {
  const keyring = join(folder, 'keyring');
  const all = ['--cap', 'mon', 'allow *', '--cap', 'osd', 'allow *'];
  await exec('ceph-authtool', [
    '--create-keyring',
    keyring,
    '--gen-key',
    '-n',
    'mon.',
    '--cap',
    'mon',
    'allow *',
  ]);
  await exec('ceph-authtool', [keyring, '--gen-key', '-n', 'client.admin', ...all]);
  await exec('ceph-authtool', [keyring, '--gen-key', '-n', 'client.rgw', ...all]);
  const osd = ['--cap', 'mon', 'allow profile osd', '--cap', 'osd', 'allow *'];
  await exec('ceph-authtool', [keyring, '--gen-key', '-n', 'osd.0', ...osd]);
}

async function startMonitor(
  folder: string,
  config: string,
  clusterId: string,
  [v2, v1]: readonly [number, number],
  programs: ProcessGroup[],
): Promise<void> {
  const map = join(folder, 'monmap');
  const addresses = `[v2:${S3_HOST}:${v2},v1:${S3_HOST}:${v1}]`;
  await exec('monmaptool', ['--create', '--fsid', clusterId, '--addv', 'a', addresses, map]);
  await exec('ceph-mon', [
    '-c',
    config,
    '--mkfs',
    '-i',
    'a',
    '--monmap',
    map,
    '--keyring',
    join(folder, 'keyring'),
  ]);
  programs.push(new ProcessGroup('ceph-mon', ['-c', config, '-f', '-i', 'a']));
}

async function startOsd(folder: string, config: string, programs: ProcessGroup[]): Promise<void> {
  const uuid = randomUUID();
  const ceph = (...args: string[]) => exec('ceph', ['-c', config, '--connect-timeout', '20', ...args]);
  await ceph('osd', 'new', uuid, '0');
  await ceph('osd', 'crush', 'add-bucket', 'here', 'host');
  await ceph('osd', 'crush', 'move', 'here', 'root=default');
  await ceph('osd', 'crush', 'add', 'osd.0', '1.0', 'host=here');
  const make = ['-c', config, '-i', '0', '--mkfs', '--osd-uuid', uuid, '--no-mon-config'];
  await exec('ceph-osd', make, { cwd: folder });
  programs.push(new ProcessGroup('ceph-osd', ['-c', config, '-f', '-i', '0']));
}

async function endAll(programs: readonly ProcessGroup[], folder: string): Promise<void> {
  await Promise.all(programs.map((program) => program.end()));
  await rm(folder, { recursive: true, force: true });
}
