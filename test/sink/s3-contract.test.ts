import { join } from 'node:path';
import { parseLocation } from '../../src/sink/s3/key.ts';
import type { S3SinkOptions } from '../../src/sink/s3/options.ts';
import { S3Sink } from '../../src/sink/s3/s3-sink.ts';
import type { Receipt } from '../../src/sink/sink.ts';
import { describeReaderContract } from '../contract/reader-contract.ts';
import { type Damage, describeSinkContract, type SinkHarness } from '../contract/sink-contract.ts';
import { type DoubleObject, type DoubleOptions, S3Double } from '../support/s3-double.ts';

describeSinkContract('S3Sink', (folder) => s3Harness(folder, {}));
describeSinkContract('S3Sink over a weak store', (folder) =>
  s3Harness(folder, { conditions: 'refused', hasChecksums: false }),
);
describeSinkContract('S3Sink without reading back', (folder) => s3Harness(folder, {}, 'answer'));
describeReaderContract('the S3 sink', (folder) => s3Harness(folder, {}));

function s3Harness(
  folder: string,
  options: DoubleOptions,
  verify: S3SinkOptions['verify'] = 'checksum',
): SinkHarness {
  let double: S3Double | undefined;
  const started = (): S3Double => {
    if (double === undefined) throw new Error('the store is not started');
    return double;
  };
  const objectOf = ({ location }: Receipt): DoubleObject | undefined =>
    started().objects.get(parseLocation(location).key);
  return {
    isByDigest: true,
    start: async () => {
      double = await S3Double.start(options);
    },
    stop: async () => await started()[Symbol.asyncDispose](),
    openSink: () => {
      const { endpoint, accessKeyId, secretAccessKey, region, bucket } = started();
      return new S3Sink({
        name: 's3:test',
        store: {
          bucket,
          endpoint,
          region,
          forcePathStyle: true,
          credentials: async () => ({ accessKeyId, secretAccessKey }),
          timeouts: { connectMs: 5_000, idleMs: 5_000 },
        },
        verify,
        manifest: false,
        statePath: join(folder, '..'),
        patienceMs: 1_000,
      });
    },
    readBack: (_, receipt) => objectOf(receipt)?.octets ?? Buffer.alloc(0),
    // A root is `s3://double/mail/{shard}/<account>/{sha256}.eml`.
    count: (root) =>
      [...started().objects.keys()].filter((key) => key.split('/')[2] === root.split('/')[5]).length,
    octetsHeld: () => [...started().objects.values()].reduce((sum, { octets }) => sum + octets.length, 0),
    damage: (_, receipt, damage) => {
      const object = objectOf(receipt);
      if (object === undefined) return false;
      if (damage === 'removed') return started().objects.delete(parseLocation(receipt.location).key);
      spoil(object, damage);
      return true;
    },
  };
}

function spoil(object: DoubleObject, damage: Exclude<Damage, 'removed'>): void {
  const octets = Buffer.from(object.octets);
  if (damage === 'flipped') octets.writeUInt8(octets.readUInt8(3) ^ 1, 3);
  const spoilt = {
    flipped: octets,
    truncated: octets.subarray(1),
    appended: Buffer.concat([octets, octets]),
  };
  object.octets = spoilt[damage];
}
