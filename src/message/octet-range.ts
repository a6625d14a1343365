/** A part of some octets, within their bounds. */
export interface OctetRange {
  readonly start: number;
  readonly octets: number;
}
