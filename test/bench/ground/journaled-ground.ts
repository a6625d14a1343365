/** A new ext4 with a journal each time it is asked for, so that nobody pays for what earlier runs made and removed. */
import { join } from 'node:path';
import { describeFileSystem } from './file-system.ts';
import type { Ground } from './ground.ts';
import { type ImageMount, openImageMount } from './image-mount.ts';
import { imageMebibytesFor, type Room, roomFor } from './room.ts';

/**
 * Makes one to see that it can be made. Throws where it cannot.
 *
 * @param folder of the bench, which removes it at its end
 */
export function openJournaledGround(folder: string): JournaledGround {
  if (process.platform !== 'linux' || process.getuid?.() !== 0)
    throw new Error('a journaled ext4 is made and mounted by root on Linux only');
  using trial = openImageMount(join(folder, 'trial'), imageMebibytesFor(roomFor([], 'maildir')));
  const made = describeFileSystem(trial.path);
  if (!made.startsWith('ext4 with a journal')) throw new Error(`mkfs.ext4 made an ${made}`);
  return new JournaledGround(
    folder,
    `${made}, made anew, on a loop device over ${describeFileSystem(folder)}`,
  );
}

export class JournaledGround implements Ground {
  readonly description: string;
  readonly #folder: string;
  #mounts = 0;

  /** Use openJournaledGround. */
  constructor(folder: string, description: string) {
    this.#folder = folder;
    this.description = description;
  }

  open(room: Room): ImageMount {
    return openImageMount(join(this.#folder, `ground-${++this.#mounts}`), imageMebibytesFor(room));
  }
}
