/**
 * What is used of the package `kerberos`, which is optional and may not be installed. Written from version 7: its own types name an
 * option that it does not read (`gssFlag` for `flags`). All texts are Base64.
 */
declare module 'kerberos' {
  export interface KerberosClient {
    readonly contextComplete: boolean;
    /** Null where there is no token. */
    step(challenge: string): Promise<string | null>;
    unwrap(challenge: string): Promise<string>;
    wrap(challenge: string, options: { readonly user: string; readonly protect: boolean }): Promise<string>;
  }

  const kerberos: {
    readonly GSS_C_MUTUAL_FLAG: number;
    readonly GSS_C_SEQUENCE_FLAG: number;
    readonly GSS_C_INTEG_FLAG: number;
    readonly GSS_MECH_OID_KRB5: number;
    initializeClient(
      service: string,
      options: { readonly mechOID: number; readonly flags: number },
    ): Promise<KerberosClient>;
  };
  export default kerberos;
}
