/** The mail of the scenarios, made once for all that use it: every contender leaves it on the server. */
import type { Dovecot } from '../../services/dovecot.ts';
import { fetchUniqueIds } from '../references/pop3-session.ts';
import { digestOf } from './completeness.ts';
import { makeMessages, type Sizes } from './make-mail.ts';

/** What a maildrop shall hold. Scenarios that ask for the same share one. */
export interface Mail {
  readonly word: string;
  readonly messages: number;
  readonly sizes: Sizes;
}

export interface Maildrop {
  readonly user: string;
  /** SHA-256 of each message as Maildir and mbox keep it. */
  readonly digests: readonly string[];
  readonly messages: number;
  readonly octets: number;
}

export const PASSWORD = 'bench-password';

export function userOf({ word, messages }: Mail): string {
  return `${word}-${messages}`;
}

/** `seed` tells apart mail of the same kind in several maildrops. */
export async function fillMaildrop(
  dovecot: Dovecot,
  mail: Mail,
  user = userOf(mail),
  seed = 1,
): Promise<Maildrop> {
  const digests: string[] = [];
  let octets = 0;
  function* noted(): Generator<Buffer> {
    for (const message of makeMessages(mail.messages, mail.sizes, seed)) {
      digests.push(digestOf(message));
      octets += message.length;
      yield message;
    }
  }
  const messages = dovecot.deliver(user, noted());
  // The first look at a new Maildir assigns unique-ids; no contender shall pay for that.
  const { host, port } = dovecot;
  await fetchUniqueIds({ host, port, user, password: PASSWORD });
  return { user, digests, messages, octets };
}
