/** What a password looks like wherever it might show: as it is, and in each form that a login gives it on the wire. */

/** Texts that must not be found. The APOP digest is not among them: it depends on the greeting. */
export function secretForms(user: string, password: string): string[] {
  const octets = Buffer.from(password, 'utf8');
  const plain = Buffer.from(`\0${user}\0${password}`, 'utf8');
  return [
    password,
    JSON.stringify(password).slice(1, -1),
    octets.toString('latin1'),
    octets.toString('base64'),
    octets.toString('base64url'),
    octets.toString('hex'),
    octets.toString('hex').toUpperCase(),
    encodeURIComponent(password),
    // The end of SASL PLAIN's whole response, whatever stands before it (RFC 4616 §2): three cuts of Base64.
    plain.toString('base64'),
    ...[0, 1, 2].map((cut) => octets.subarray(cut).toString('base64').replace(/=+$/, '').slice(0, -1)),
  ];
}
