import { describe, expect, test } from 'vitest';
import { findInNetrc } from '../../src/job/netrc.ts';

const alice = { host: 'pop.example.net', user: 'alice' };

describe('a netrc file', () => {
  test.each([
    ['machine pop.example.net login alice password x', 'x'],
    ['machine pop.example.net\n\tlogin alice\n\tpassword x\n', 'x'],
    ['machine pop.example.net password x login alice', 'x'],
    ['machine POP.example.net login alice account y password x', 'x'],
    ['machine pop.example.net password x', 'x'],
    ['machine other login alice password y\nmachine pop.example.net login alice password x', 'x'],
    ['machine pop.example.net login bob password y machine pop.example.net login alice password x', 'x'],
    ['machine pop.example.net login alice password "a b\\"c\\\\d"', 'a b"c\\d'],
    ['machine pop.example.net login alice password #x', '#x'],
    ['# machine pop.example.net login alice password y\ndefault login alice password x', 'x'],
    ['default password x', 'x'],
    ['macdef init\nmachine pop.example.net login alice password y\n\ndefault password x', 'x'],
    ['machine a login b password c\nmacdef m\r\nput y\r\n\r\nmachine pop.example.net password x', 'x'],
  ])('%j holds the password', (text, expected) => {
    expect(findInNetrc(text, alice)).toBe(expected);
  });

  test.each([
    '',
    'machine pop.example.net login alice',
    'machine pop.example.net login Alice password y',
    'machine example.net login alice password y',
    'machine pop.example.net login bob password y',
    'macdef init\nmachine pop.example.net password y',
    'password y',
    'machine',
  ])('%j holds none', (text) => {
    expect(findInNetrc(text, alice)).toBeUndefined();
  });
});
