/** Arbitrary octets and cuts for property tests: few different octets, so that the awkward sequences come up often. */
import fc from 'fast-check';

/** Octets in which line ends, quotes and From_ lines meet in every way. */
export function hostileOctets(): fc.Arbitrary<Buffer> {
  const piece = fc.constantFrom(
    '\r',
    '\n',
    '\r\n',
    '>',
    'From ',
    'Fro',
    'F',
    'm ',
    ':',
    ' ',
    'a',
    '\0',
    '\xff',
  );
  return fc.array(piece, { maxLength: 40 }).map((pieces) => Buffer.from(pieces.join(''), 'latin1'));
}

/** Ways to cut octets into chunks: any number of them, empty ones too, and single octets. */
export function cuts(): fc.Arbitrary<(octets: Buffer) => Buffer[]> {
  const sizes = fc.oneof(fc.constant([1]), fc.array(fc.nat({ max: 9 }), { minLength: 1, maxLength: 20 }));
  return sizes.map((lengths) => (octets) => {
    const chunks: Buffer[] = [];
    for (let at = 0, turn = 0; at < octets.length; turn++) {
      const length = lengths[turn % lengths.length] ?? 1;
      // A round of zeros only would never end.
      const taken = turn >= lengths.length ? Math.max(length, 1) : length;
      chunks.push(octets.subarray(at, at + taken));
      at += taken;
    }
    return chunks;
  });
}
