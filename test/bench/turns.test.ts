import { expect, it } from 'vitest';
import { type Contestant, takeTurns } from './turns.ts';

const taking = (wallSeconds: number) => async () => ({ wallSeconds, cpuSeconds: 0, serverCpuSeconds: 0 });

async function play(contestants: readonly Contestant[], rounds: number) {
  const told: string[] = [];
  const options = { rounds, patienceSeconds: 30, onTurn: (text: string) => void told.push(text) };
  const turns = await takeTurns(contestants, options);
  return {
    order: turns.rounds.map((round) => round.map(({ contender }) => contender).join('')),
    told,
    turns,
  };
}

it('each has its turn once a round, and the slow ones that are optional until they have taken too long', async () => {
  const { order } = await play(
    [
      { name: 'A', isOptional: false, measure: taking(40) },
      { name: 'B', isOptional: true, measure: taking(20) },
      { name: 'C', isOptional: true, measure: taking(40) },
    ],
    4,
  );
  expect(order).toEqual(['ABC', 'AB', 'A', 'A']);
});

it('one that fails is noted and tries again in the next round, and the others go on', async () => {
  let tries = 0;
  const failOnce = async () => (++tries === 1 ? Promise.reject(new Error('no route')) : taking(1)());
  const { order, turns } = await play(
    [
      { name: 'A', isOptional: false, measure: failOnce },
      { name: 'B', isOptional: false, measure: taking(1) },
    ],
    2,
  );
  expect(order).toEqual(['B', 'AB']);
  expect(turns.failures).toEqual([{ contender: 'A', reason: 'no route' }]);
});
