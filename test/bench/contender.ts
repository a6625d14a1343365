/** What the bench asks of a program that fetches mail. A new one is a file in contenders/ and a line in contenders/all.ts. */

export interface Contender {
  readonly name: string;
  /** What is compared (mailferry), what it is compared with, or what shows where the limit is and is no program for users. */
  readonly role: 'subject' | 'peer' | 'reference';
  /** The program that must be in PATH, and the Debian package that has it. */
  readonly program: string;
  readonly debianPackage: string;
  /**
   * Writes the configuration into `setting.folder`, of this run alone, and says what to run. Must ask for: keep the mail
   * on the server, no headers added, quiet, as fast as the program can.
   */
  prepare(setting: Setting): Command;
  /**
   * Has the program know these unique-ids from an earlier run, by writing its state into `setting.folder`; for programs with
   * which a real first run of a large maildrop takes too long. Called before `prepare`.
   */
  readonly writeState?: (setting: Setting, uniqueIds: readonly string[]) => void;
}

export interface Setting {
  /** Empty at the first run; the same again for a run that shall know what earlier ones fetched. */
  readonly folder: string;
  readonly store: Store;
  readonly security: Security;
  readonly host: string;
  readonly port: number;
  readonly caPath: string;
  readonly user: string;
  readonly password: string;
  /** Fetch what earlier runs did not; a program that always does so, or that can be quicker without, need not be told. */
  readonly isOnlyNew: boolean;
}

export type Store = 'maildir' | 'mbox';
export type Security = 'plaintext' | 'tls';

export interface Command {
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Exit codes that mean success; default: 0. */
  readonly goodCodes?: readonly number[];
  /** Undefined for a reference that throws all octets away. */
  readonly stored: Stored | undefined;
}

/** Where the messages are afterwards, and in which form. */
export interface Stored {
  readonly path: string;
  readonly form: StoredForm;
  /** A header line that the program cannot be told to leave out, with its line end: it does not count as a difference. */
  readonly addedLine?: string;
}

export type StoredForm = Store | 'bsmtp';
