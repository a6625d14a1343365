/**
 * What a server's capabilities say about keeping mail, and whether that fits the job: pure. It must not know sessions.
 *
 * RFC 2449 §6.7: `EXPIRE 0` permits the server to remove whatever was retrieved once QUIT is sent, DELE or not; `EXPIRE n` is the
 * least number of days that it keeps messages; `NEVER` says that it removes nothing. Behind it `USER` may stand, where the
 * number is another one for each user and CAPA tells it after login.
 */

/** The part of `Capabilities` that is asked. */
export interface AnnouncedCapabilities {
  parametersOf(name: string): readonly string[] | undefined;
}

/** @param capabilities as CAPA gave them last, after login where it was asked there; undefined without CAPA */
export function serverWarnings(
  capabilities: AnnouncedCapabilities | undefined,
  { isDeleting }: { readonly isDeleting: boolean },
): readonly string[] {
  const days = parseDays(capabilities?.parametersOf('EXPIRE')?.[0]);
  if (days === 0) {
    return [
      'the server says EXPIRE 0: it may delete every message that was retrieved when the session ends, also where the ' +
        'job deletes nothing; QUIT is sent only after all of them are archived',
    ];
  }
  if (days !== undefined && !isDeleting) {
    return [
      `the server says EXPIRE ${days}: it may delete messages after ${days} days, archived or not; ` +
        `run the job more often than that`,
    ];
  }
  return [];
}

/** Days, or undefined for NEVER and for what is no number. */
function parseDays(parameter: string | undefined): number | undefined {
  return parameter !== undefined && /^\d{1,9}$/.test(parameter) ? Number(parameter) : undefined;
}
