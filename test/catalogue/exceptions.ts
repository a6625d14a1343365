/** Quirks and duties without a test, each with its reason: none today. A test fails where one has neither, or both. */
export const EXCEPTIONS: Readonly<Record<string, string>> = {};
