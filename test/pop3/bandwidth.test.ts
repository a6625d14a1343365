import { describe, expect, it } from 'vitest';
import { Bandwidth } from '../../src/pop3/bandwidth.ts';

/** 1,000 octets a second, on a clock that the test moves. */
function openBandwidth() {
  const clock = { now: 5_000 };
  return { clock, bandwidth: new Bandwidth(1_000, () => clock.now) };
}

describe('a bandwidth', () => {
  it('asks for pauses that come to the rate, whatever the pieces', () => {
    for (const piece of [1, 7, 100, 65_536]) {
      const { clock, bandwidth } = openBandwidth();
      let octets = 0;
      while (octets < 200_000) {
        octets += piece;
        clock.now += bandwidth.take(piece);
      }
      const expectedMs = 5_000 + octets;
      expect(Math.abs(clock.now - expectedMs)).toBeLessThanOrEqual(101);
    }
  });

  it('is shared: who comes later waits for what came before as well', () => {
    const { bandwidth } = openBandwidth();
    expect([bandwidth.take(1_000), bandwidth.take(1_000), bandwidth.take(1_000)]).toEqual([
      900, 1_900, 2_900,
    ]);
  });

  it('saves nothing up: an hour of silence is followed by no burst', () => {
    const { clock, bandwidth } = openBandwidth();
    bandwidth.take(1_000);
    clock.now += 3_600_000;
    expect(bandwidth.take(1_000)).toBe(900);
  });

  it('lets a little through without a pause, and forgets none of it', () => {
    const { bandwidth } = openBandwidth();
    expect(bandwidth.take(100)).toBe(0);
    expect(bandwidth.take(4)).toBe(0);
    expect(bandwidth.take(4)).toBe(8);
  });
});
