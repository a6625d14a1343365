const STEPS = [1, 3] as const;

/** Two a decade: 1, 3, 10, 30, … times the smallest; at least the smallest. Pure. */
export function sizesUpTo(smallest: number, largest: number): number[] {
  const sizes = [smallest];
  for (let decade = smallest; ; decade *= 10) {
    for (const step of STEPS) {
      const size = decade * step;
      if (size > largest) return sizes;
      if (size > smallest) sizes.push(size);
    }
  }
}
