/** Keeps batches of messages in a Maildir or an mbox, each batch durable as a whole before the next. For the bare loop alone. */
import { closeSync, fdatasyncSync, openSync, writeSync } from 'node:fs';
import { open, rename } from 'node:fs/promises';
import { join } from 'node:path';

/** As many files are written and synced side by side. */
const WIDTH = 64;
const FROM_LINE = Buffer.from('From bench@example.org Sat Nov  1 12:00:00 2025\n');
const BLANK_LINE = Buffer.from('\n');

export class BatchStore {
  readonly #kind: 'maildir' | 'mbox';
  readonly #target: string;
  /** The mbox file; of a Maildir its folder `new`. */
  readonly #descriptor: number;
  #number = 0;

  constructor(kind: 'maildir' | 'mbox', target: string) {
    this.#kind = kind;
    this.#target = target;
    this.#descriptor = kind === 'mbox' ? openSync(target, 'a') : openSync(join(target, 'new'), 'r');
  }

  async keep(messages: readonly Buffer[]): Promise<void> {
    if (messages.length === 0) return;
    if (this.#kind === 'maildir') await this.#keepFiles(messages);
    else
      writeWhole(
        this.#descriptor,
        messages.flatMap((octets) => [FROM_LINE, octets, BLANK_LINE]),
      );
    fdatasyncSync(this.#descriptor);
  }

  close(): void {
    closeSync(this.#descriptor);
  }

  async #keepFiles(messages: readonly Buffer[]): Promise<void> {
    const waiting = messages.values();
    const keepSome = async () => {
      for (const octets of waiting) await this.#keepFile(octets);
    };
    await Promise.all(Array.from({ length: WIDTH }, keepSome));
  }

  async #keepFile(octets: Buffer): Promise<void> {
    const name = `1.M${String(this.#number++).padStart(9, '0')}.bench`;
    const staging = join(this.#target, 'tmp', name);
    const file = await open(staging, 'wx');
    await file.writeFile(octets);
    await file.sync();
    await file.close();
    await rename(staging, join(this.#target, 'new', name));
  }
}

function writeWhole(descriptor: number, parts: readonly Buffer[]): void {
  const octets = Buffer.concat(parts);
  for (let at = 0; at < octets.length; ) at += writeSync(descriptor, octets, at);
}
