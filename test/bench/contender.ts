/** What the bench asks of a program that fetches mail. A new one is a file in contenders/ and a line in contenders/all.ts. */

export interface Contender {
  readonly name: string;
  /** The program that must be in PATH, and the Debian package that has it. */
  readonly program: string;
  readonly debianPackage: string;
  /** Prints the version. */
  readonly versionArgs: readonly string[];
  /**
   * Writes the configuration into `setting.folder`, empty and of this run alone, and says what to run. Must ask for: keep the mail
   * on the server, no state from earlier runs, no headers added, quiet, as fast as the program can.
   */
  prepare(setting: Setting): Command;
}

export interface Setting {
  readonly folder: string;
  readonly store: Store;
  readonly security: Security;
  readonly host: string;
  readonly port: number;
  readonly caPath: string;
  readonly user: string;
  readonly password: string;
}

export type Store = 'maildir' | 'mbox';
export type Security = 'plaintext' | 'tls';

export interface Command {
  readonly args: readonly string[];
  /** Where the messages are afterwards. */
  readonly target: string;
  /** Form of the target where it is not `setting.store`. */
  readonly form?: StoredForm;
  readonly env?: Readonly<Record<string, string>>;
}

export type StoredForm = Store | 'bsmtp';
