/** So many numbers from 1 to `last`, evenly spread, both ends among them. */
export function spread(last: number, count: number): number[] {
  const step = Math.max(1, (last - 1) / Math.max(1, count - 1));
  return [...new Set(Array.from({ length: count }, (_, index) => Math.round(1 + index * step)))].filter(
    (number) => number <= last,
  );
}
