/**
 * How a batch will lie in an mbox, to the octet, before anything of it is written: so that the journal can announce it and
 * the writer can be held to it. Messages that are not what they say are sorted out here.
 */
import type { MailferryError } from '../../errors/mailferry-error.ts';
import type { Message } from '../../message/message.ts';
import type { StorableMessage } from '../sink.ts';
import { isMessageError, throwIfAborted } from '../sink-error.ts';
import { formOctets } from '../stored-form.ts';
import { fromLine } from './from-line.ts';
import { type AnnouncedLine, lineCheck } from './journal.ts';
import { type Survey, surveyLarge, surveyMemory } from './survey.ts';

export interface PlannedRecord {
  readonly storable: StorableMessage;
  readonly message: Message;
  /** What comes before the message: what the file lacks of a separator, and the From_ line. ASCII. */
  readonly before: string;
  /** Where the From_ line begins, and what it is. */
  readonly announced: AnnouncedLine;
  /** Where the quoted message begins. */
  readonly bodyOffset: number;
  /** Octets of the quoted message, in its stored form. */
  readonly bodyOctets: number;
  /** Where in a message in a Buffer a `>` is inserted; of a large one only their number is known. */
  readonly quotes: readonly number[];
  readonly quoteCount: number;
  /** What comes behind it: an end for its last line where that has none, and an empty line (RFC-78). */
  readonly after: '\n' | '\n\n';
  /** Where the next record begins. */
  readonly end: number;
}

/** Plans records one after another, from an offset of the file on. */
export class MboxPlan {
  readonly records: PlannedRecord[] = [];
  readonly failures = new Map<StorableMessage, MailferryError>();
  #separator: string;
  #end: number;

  /** @param separator what the file lacks before the first From_ line */
  constructor(start: number, separator: string) {
    this.#end = start;
    this.#separator = separator;
  }

  /** Where the file will end. */
  get end(): number {
    return this.#end;
  }

  async add(batch: readonly StorableMessage[], signal: AbortSignal): Promise<void> {
    for (const storable of batch) {
      throwIfAborted(signal);
      const { message } = storable;
      try {
        // Waiting only where there is something to wait for: this runs for every message.
        const survey =
          message.content.kind === 'memory'
            ? surveyMemory(message, message.content.buffer)
            : await surveyLarge(message, message.content);
        if (survey.mismatch === undefined) {
          this.#append(storable, survey);
        } else {
          this.failures.set(storable, survey.mismatch);
        }
      } catch (thrown) {
        if (!isMessageError(thrown)) {
          throw thrown;
        }
        this.failures.set(storable, thrown);
      }
    }
  }

  #append(storable: StorableMessage, { header, quotes, quoteCount, endsWithLf }: Survey): void {
    const { message } = storable;
    const line = fromLine(header);
    const before = this.#separator + line;
    const announced = { offset: this.#end + this.#separator.length, check: lineCheck(line.trimEnd()) };
    const bodyOffset = this.#end + before.length;
    const bodyOctets = formOctets(message) + quoteCount;
    const after = endsWithLf ? '\n' : '\n\n';
    const end = bodyOffset + bodyOctets + after.length;
    const body = { bodyOffset, bodyOctets, quotes, quoteCount };
    this.records.push({ storable, message, before, announced, ...body, after, end });
    this.#separator = '';
    this.#end = end;
  }
}
