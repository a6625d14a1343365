/** Base64 as RFC 5034 §4 wants it read: no foreign character, no `=` before the end. */
export function decodeBase64(text: string): Buffer | undefined {
  const isBase64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(text);
  return isBase64 ? Buffer.from(text, 'base64') : undefined;
}
