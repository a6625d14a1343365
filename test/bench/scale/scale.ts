/** How mailferry's cost grows: for each size a first archive into a fresh folder, and the run after it that finds nothing new. */
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Bed } from '../bed.ts';
import type { Room } from '../ground/room.ts';
import { COMPLETE } from '../mail/completeness.ts';
import type { Cost } from '../measure.ts';
import type { Failure, ScaleOf, ScalePoint, ScaleResult } from '../result.ts';
import { SUBJECT } from '../scenarios/names.ts';

/** One of the two things that grow. A new one is a file in this folder and a line in all.ts. */
export interface Scale {
  readonly scale: ScaleOf;
  readonly title: string;
  readonly messagesPerUnit: number;
  /** In rising order. */
  readonly sizes: readonly number[];
  /** Those that the server must know. */
  readonly users: readonly string[];
  /** What a size stands on. */
  readonly open: (bed: Bed, size: number) => Promise<ScaleBed>;
}

export interface ScaleBed extends AsyncDisposable {
  readonly room: Room;
  /** One run with the state in `folder`/state. */
  run(folder: string): Promise<Cost>;
  /** What is wrong with what was stored in `folder`, in words; `yes` when nothing is. */
  describeCompleteness(folder: string): string;
  /** Changes whenever a message is added. */
  fillOf(folder: string): number;
}

export async function measureScale(scale: Scale, bed: Bed): Promise<Omit<ScaleResult, 'checkout'>> {
  const { rounds, patienceSeconds, progress } = bed.options;
  const points: ScalePoint[] = [];
  const failures: Failure[] = [];
  for (const size of scale.sizes) {
    await using scaleBed = await scale.open(bed, size);
    let spentSeconds = 0;
    for (let round = 1; round <= rounds && spentSeconds <= patienceSeconds; round++) {
      progress(`${size} ${scale.scale}: round ${round} of ${rounds}`);
      try {
        const pair = await measurePair(bed, scaleBed, size);
        spentSeconds += pair.reduce((sum, { wallSeconds }) => sum + wallSeconds, 0);
        points.push(...pair);
      } catch (error) {
        const reason = `${size} ${scale.scale}: ${error instanceof Error ? error.message : String(error)}`;
        progress(`FAILED: ${reason}`);
        failures.push({ contender: SUBJECT, reason });
        break;
      }
    }
  }
  const { title, messagesPerUnit } = scale;
  return { scale: scale.scale, title, messagesPerUnit, points, failures };
}

function measurePair(bed: Bed, scaleBed: ScaleBed, size: number): Promise<ScalePoint[]> {
  return bed.inFolder(scaleBed.room, async (folder) => {
    const first = await scaleBed.run(folder);
    const completeness = scaleBed.describeCompleteness(folder);
    if (completeness !== COMPLETE) throw new Error(completeness);
    const ledgerOctets = octetsIn(join(folder, 'state'));
    const fill = scaleBed.fillOf(folder);
    const second = await scaleBed.run(folder);
    if (scaleBed.fillOf(folder) !== fill) throw new Error('the second run stored something');
    return [
      { series: 'first archive', size, ...first, ledgerOctets },
      { series: 'nothing new', size, ...second, ledgerOctets: octetsIn(join(folder, 'state')) },
    ];
  });
}

function octetsIn(folder: string): number {
  const paths = readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((name) => join(folder, name));
  return paths.map((path) => statSync(path)).reduce((sum, stat) => sum + (stat.isFile() ? stat.size : 0), 0);
}
