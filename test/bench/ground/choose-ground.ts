/** What the stores stand on: what was asked for, or the journaled file system where it can be had. */
import { FolderGround } from './folder-ground.ts';
import type { Ground } from './ground.ts';
import { openJournaledGround } from './journaled-ground.ts';

export const FILE_SYSTEMS = ['journaled', 'as-is'] as const;
export type FileSystem = (typeof FILE_SYSTEMS)[number];

export interface GroundChoice {
  readonly ground: Ground;
  /** Why it is not the journaled one; undefined where nobody needs to be told. */
  readonly advice: string | undefined;
}

/** Throws where what was asked for cannot be had. @param folder of the bench */
export function chooseGround(
  wanted: FileSystem | undefined,
  folder: string,
  openJournaled: (folder: string) => Ground = openJournaledGround,
): GroundChoice {
  if (wanted === 'as-is') return { ground: new FolderGround(folder), advice: undefined };
  try {
    return { ground: openJournaled(folder), advice: undefined };
  } catch (error) {
    if (wanted !== undefined) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    return { ground: new FolderGround(folder), advice: `the file system is taken as it is: ${reason}` };
  }
}
