/** What the stores and the state of runs stand on. A new kind is a file in this folder and a line in choose-ground.ts. */
import type { Room } from './room.ts';

export interface Ground {
  /** The file system, with or without a journal, and what is below it; figures of different descriptions are not compared. */
  readonly description: string;
  /** Must be disposed of, which gives the room back. Throws where there is not enough of it. */
  open(room: Room): GroundFolder;
}

export interface GroundFolder extends Disposable {
  /** Empty at first, and reachable by everybody: getmail6, called by root, delivers as nobody. */
  readonly path: string;
}
