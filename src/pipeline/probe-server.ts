/**
 * What a server is like, seen from outside and, with a login, from inside. It asks and changes nothing.
 */
import type { Capabilities } from '../pop3/capabilities.ts';
import type { Pop3Client } from '../pop3/client.ts';
import type { TlsFacts } from '../pop3/tls.ts';
import { readListing } from './listing.ts';

export interface OutsideReport {
  readonly greeting: string;
  readonly hasApop: boolean;
  readonly tls: TlsFacts | undefined;
  /** Lines of CAPA before login, after TLS; undefined where the server has no CAPA. */
  readonly capabilities: readonly string[] | undefined;
  readonly mechanisms: readonly string[];
}

export interface ProbeReport extends OutsideReport {
  readonly inside: InsideReport | undefined;
}

export interface InsideReport {
  /** Lines of CAPA after login. */
  readonly capabilities: readonly string[] | undefined;
  readonly messages: number;
  readonly octets: number;
  readonly hasUidl: boolean;
  readonly warnings: readonly string[];
}

/** @param enter logs in; undefined where only the outside is looked at. Ends the session in either case. */
export async function probeServer(
  client: Pop3Client,
  enter: ((client: Pop3Client) => Promise<void>) | undefined,
): Promise<ProbeReport> {
  try {
    const outside = {
      greeting: client.greeting.text,
      hasApop: client.greeting.apopTimestamp !== undefined,
      tls: client.tlsFacts,
      capabilities: client.capabilities?.toLines(),
      mechanisms: waysToLogIn(client.capabilities),
    };
    const inside = enter === undefined ? undefined : await lookInside(client, enter);
    await client.quit();
    return { ...outside, inside };
  } catch (cause) {
    client.drop(cause instanceof Error ? cause : new Error(String(cause)));
    throw cause;
  }
}

async function lookInside(
  client: Pop3Client,
  enter: (client: Pop3Client) => Promise<void>,
): Promise<InsideReport> {
  await enter(client);
  const { messages, octets, hasUidl, warnings } = await readListing(client);
  return {
    capabilities: client.capabilities?.toLines(),
    messages: messages.length,
    octets,
    hasUidl,
    warnings,
  };
}

/** RFC 2449 §6.3: USER where it is announced; a server without CAPA has it by RFC 1939. */
function waysToLogIn(capabilities: Capabilities | undefined): readonly string[] {
  if (capabilities === undefined) {
    return ['USER-PASS'];
  }
  return [...capabilities.mechanisms, ...(capabilities.has('USER') ? ['USER-PASS'] : [])];
}
