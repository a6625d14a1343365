/** An mbox spool file per user in an enclosure's mail folder, filled the way a delivery agent does it, without its locks. */
import { appendFileSync, chownSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { MailStore } from './enclosed-server.ts';
import { type Enclosure, MAIL_GID } from './enclosure.ts';

const SEPARATOR = 'From sender@example.test Sat Nov 21 01:00:00 2026\n';

export class MboxStore implements MailStore {
  readonly #enclosure: Enclosure;

  constructor(enclosure: Enclosure) {
    this.#enclosure = enclosure;
  }

  /** A spool has LF alone. Lines that begin with `From ` are quoted by `>`. */
  async deliver(user: string, messages: Iterable<Uint8Array>): Promise<number> {
    const path = this.#spool(user);
    let count = 0;
    for (const octets of messages) {
      const quoted = Buffer.from(octets)
        .toString('latin1')
        .replaceAll('\r\n', '\n')
        .replace(/(?<![^\n])(>*From )/g, '>$1');
      const end = quoted.endsWith('\n') ? '\n' : '\n\n';
      appendFileSync(path, Buffer.from(`${SEPARATOR}${quoted}${end}`, 'latin1'), { mode: 0o660 });
      count += 1;
    }
    chownSync(path, this.#enclosure.user(user).uid, MAIL_GID);
    return count;
  }

  async countLeft(user: string): Promise<number> {
    const path = this.#spool(user);
    return existsSync(path) ? (readFileSync(path, 'latin1').match(/^From /gm)?.length ?? 0) : 0;
  }

  #spool(user: string): string {
    return join(this.#enclosure.mailPath, user);
  }
}
