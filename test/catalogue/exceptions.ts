/** Quirks and duties without a test, each with its reason. A test fails where one has neither, or both. */
export const EXCEPTIONS: Readonly<Record<string, string>> = {
  'RFC-74': 'UTF8 is asked for wherever it is announced: no command is refused for want of it',
};
