/** Lives in which a promise was once broken, kept as fast-check had shrunk them, with what they showed. */
import type { LifeModel } from './model.ts';

export const FOUND: readonly { readonly name: string; readonly life: LifeModel }[] = [];
