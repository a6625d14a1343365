import { describe, expect, it } from 'vitest';
import { chooseContenders } from './choose-contenders.ts';
import { parseOptions } from './options.ts';
import { USAGE } from './usage.ts';

const names = (args: readonly string[]) => parseOptions(args)?.scenarios.map(({ name }) => name);

describe('the command line of the bench', () => {
  it('measures every scenario and both scales where nothing is chosen', () => {
    const options = parseOptions([]);
    expect(options?.scenarios).toHaveLength(18);
    expect(options?.scales.map(({ scale }) => scale)).toEqual(['accounts', 'messages']);
  });

  it('chooses scenarios by parts of their names, and then no scale', () => {
    expect(names(['--scenario', '4k-mbox,nightly'])).toEqual(['4k-mbox-plaintext', '4k-mbox-tls', 'nightly']);
    expect(parseOptions(['--scenario', 's3'])?.scales).toEqual([]);
  });

  it('chooses a scale alone, and then no scenario', () => {
    const options = parseOptions(['--scale', 'messages', '--max', '20000']);
    expect(options?.scenarios).toEqual([]);
    expect(options?.scales.map(({ sizes }) => sizes)).toEqual([[1000, 3000, 10_000]]);
  });

  it('gives scenarios the number of messages that is asked for, and so maildrops of their own', () => {
    expect(parseOptions(['--scenario', '4k-mbox-tls', '--messages', '7'])?.scenarios[0]?.users).toEqual([
      '4k-7',
    ]);
  });

  it('leaves the file system to what the machine can do, or takes the one that is asked for', () => {
    expect(parseOptions([])?.fileSystem).toBeUndefined();
    expect(parseOptions(['--file-system', 'journaled'])?.fileSystem).toBe('journaled');
    expect(parseOptions(['--file-system', 'as-is'])?.fileSystem).toBe('as-is');
  });

  it.each([
    [['--scenario', 'nonsense'], 'no scenario "nonsense"'],
    [['--scale', 'time'], 'no scale "time"; known: accounts, messages'],
    [['--file-system', 'xfs'], '--file-system wants journaled or as-is, not "xfs"'],
    [['--runs', '0'], '--runs wants a number from 1, not "0"'],
    [['--messages', '1k'], '--messages wants a number from 1, not "1k"'],
  ])('refuses %j', (args, message) => {
    expect(() => parseOptions(args)).toThrow(message);
  });

  it('tells the usage with every scenario in it', () => {
    expect(parseOptions(['--help'])).toBeUndefined();
    for (const name of names([]) ?? []) expect(USAGE).toContain(name);
  });
});

describe('who takes part', () => {
  const withoutFdm = (program: string) => program !== 'fdm';

  it('is everybody that can be run, with a word about the others', () => {
    const { contenders, advice } = chooseContenders(undefined, withoutFdm);
    expect(contenders.map(({ name }) => name)).not.toContain('fdm');
    expect(contenders).toHaveLength(6);
    expect(advice).toBe('fdm cannot be run: apt-get install fdm');
  });

  it('is who was named, all of whom must be there', () => {
    expect(chooseContenders(['mailferry', 'mpop'], withoutFdm)).toMatchObject({ advice: undefined });
    expect(() => chooseContenders(['mailferry', 'fdm'], withoutFdm)).toThrow('apt-get install fdm');
    expect(() => chooseContenders(['imapsync'])).toThrow('no contender "imapsync"; known: mailferry, mpop');
  });
});
