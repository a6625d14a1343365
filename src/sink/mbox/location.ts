/**
 * Where a message lies in an mbox, as receipts name it: `<offset>+<octets>` of the quoted message, without its From_ line
 * and without what separates it from the next.
 */
export interface MboxLocation {
  readonly offset: number;
  readonly octets: number;
}

export function formatLocation({ offset, octets }: MboxLocation): string {
  return `${offset}+${octets}`;
}

export function parseLocation(location: string): MboxLocation | undefined {
  const [, offset, octets] = /^(\d{1,15})\+(\d{1,15})$/.exec(location) ?? [];
  return offset === undefined || octets === undefined
    ? undefined
    : { offset: Number(offset), octets: Number(octets) };
}
