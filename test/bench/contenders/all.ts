import type { Contender } from '../contender.ts';
import { bareLoop, rawDrain } from './bare-loop.ts';
import { fdm } from './fdm.ts';
import { fetchmail } from './fetchmail.ts';
import { getmail } from './getmail.ts';
import { mailferry } from './mailferry.ts';
import { mpop } from './mpop.ts';

/** By the word for `--contender`, in the order of the tables and of each round. */
export const CONTENDERS: ReadonlyMap<string, Contender> = new Map([
  ['mailferry', mailferry],
  ['mpop', mpop],
  ['fetchmail', fetchmail],
  ['fdm', fdm],
  ['getmail', getmail],
  ['drain', rawDrain],
  ['bare', bareLoop],
]);
