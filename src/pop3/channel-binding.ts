/**
 * Channel binding (RFC 5056): what is the same at both ends of one TLS connection and nowhere else, so that a proof that was
 * given on one line is worth nothing on another.
 */
import type { TLSSocket } from 'node:tls';

export interface ChannelBinding {
  /** IANA's name. */
  readonly type: 'tls-exporter' | 'tls-unique';
  readonly data: Buffer;
}

/** RFC 9266 §2. */
const EXPORTER_OCTETS = 32;
const EXPORTER_LABEL = 'EXPORTER-Channel-Binding';

/** `tls-exporter` on TLS 1.3 (RFC 9266), `tls-unique` before it (RFC 5929 §3); undefined where there is neither. */
export function channelBindingOf(socket: TLSSocket): ChannelBinding | undefined {
  if (socket.getProtocol() === 'TLSv1.3') {
    const data = socket.exportKeyingMaterial(EXPORTER_OCTETS, EXPORTER_LABEL, Buffer.alloc(0));
    return { type: 'tls-exporter', data };
  }
  // The first Finished message: the client's in a full handshake, the server's where a session was taken up again.
  const data = socket.isSessionReused() ? socket.getPeerFinished() : socket.getFinished();
  return data === undefined ? undefined : { type: 'tls-unique', data };
}
