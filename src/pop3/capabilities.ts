/**
 * The answer to CAPA (RFC 2449 §5): names in any case, unknown ones kept and ignored.
 */

export class Capabilities {
  readonly #parameters: ReadonlyMap<string, readonly string[]>;

  constructor(lines: readonly string[]) {
    const parameters = new Map<string, readonly string[]>();
    for (const line of lines) {
      const [name, ...rest] = line.trim().split(/[ \t]+/);
      if (name !== undefined && name !== '') {
        addCapability(parameters, name.toUpperCase(), rest);
      }
    }
    this.#parameters = parameters;
  }

  has(name: string): boolean {
    return this.#parameters.has(name);
  }

  /** The parameters of a capability as the server spelt them; undefined where it is not announced. */
  parametersOf(name: string): readonly string[] | undefined {
    return this.#parameters.get(name);
  }

  /** SASL mechanisms in upper case. */
  get mechanisms(): readonly string[] {
    return (this.#parameters.get('SASL') ?? []).map((name) => name.toUpperCase());
  }

  get names(): readonly string[] {
    return [...this.#parameters.keys()];
  }

  /** As lines again, for showing. */
  toLines(): string[] {
    return [...this.#parameters].map(([name, rest]) => [name, ...rest].join(' '));
  }
}

/** Some servers write `SASL=PLAIN LOGIN`; the rest is the RFC's form. */
function addCapability(parameters: Map<string, readonly string[]>, name: string, rest: string[]): void {
  const fused = /^(SASL)=(.*)$/.exec(name);
  if (fused?.[1] !== undefined && fused[2] !== undefined) {
    parameters.set(
      fused[1],
      [fused[2], ...rest].filter((word) => word !== ''),
    );
    return;
  }
  parameters.set(name, rest);
}
