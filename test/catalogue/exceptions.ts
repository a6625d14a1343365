/** Quirks and duties without a test, each with its reason. A test fails where one has neither, or both. */
export const EXCEPTIONS: Readonly<Record<string, string>> = {
  'RFC-74': 'UTF8 is asked for wherever it is announced: no command is refused for want of it',
  'RFC-9': 'UTF8 is not built yet',
  'RFC-74': 'left out, as it may be: UTF8 is switched on wherever it is announced, so that no server has a reason to say [UTF8]',
  Q63: 'the behaviour is there, its test has no name yet',
  Q64: 'the behaviour is there, its test has no name yet',
  Q65: 'the behaviour is there, its test has no name yet',
  'RFC-11': 'the behaviour is there, its test has no name yet',
  'RFC-80': 'the behaviour is there, its test has no name yet',
};
