/**
 * The columns of an accounts file and the account keys that they stand for. A CSV file is flat, so a nested key is written
 * with its parent and an underscore. Plain data; the schema's description of `from` is made of it.
 *
 * `password.command` has no column: a list of arguments has no one way into a cell, and one command for all accounts belongs
 * into `defaults`.
 */
export const CSV_COLUMNS: ReadonlyMap<string, readonly [string] | readonly [string, string]> = new Map<
  string,
  readonly [string] | readonly [string, string]
>([
  ['id', ['id']],
  ['host', ['host']],
  ['port', ['port']],
  ['security', ['security']],
  ['user', ['user']],
  ['password', ['password']],
  ['password_env', ['password', 'env']],
  ['password_file', ['password', 'file']],
  ['password_credential', ['password', 'credential']],
  ['password_netrc', ['password', 'netrc']],
  ['auth', ['auth']],
  ['drain', ['drain']],
  ['authorizationId', ['authorizationId']],
  ['proxy', ['proxy']],
  ['localAddress', ['localAddress']],
  ['tls_ca', ['tls', 'ca']],
  ['tls_fingerprint', ['tls', 'fingerprint']],
  ['tls_serverName', ['tls', 'serverName']],
  ['tls_cert', ['tls', 'cert']],
  ['tls_key', ['tls', 'key']],
  ['tls_pfx', ['tls', 'pfx']],
]);
