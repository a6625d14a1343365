import type { Contender } from '../contender.ts';
import { fdm } from './fdm.ts';
import { fetchmail } from './fetchmail.ts';
import { getmail } from './getmail.ts';
import { mailferry } from './mailferry.ts';
import { mpop } from './mpop.ts';

/** By the word for `--contender`. */
export const CONTENDERS: ReadonlyMap<string, Contender> = new Map([
  ['mailferry', mailferry],
  ['mpop', mpop],
  ['fdm', fdm],
  ['fetchmail', fetchmail],
  ['getmail', getmail],
]);
