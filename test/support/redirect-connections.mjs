/**
 * Loaded before the program (`node --import`), sends every connection to another port of this machine: job files that name
 * servers of the wide world run as they stand, and never reach them. REDIRECTED_PORTS is a JSON object, port to port; a
 * connection to any other port fails.
 */
import { Socket } from 'node:net';

const ports = new Map(Object.entries(JSON.parse(process.env['REDIRECTED_PORTS'] ?? '{}')));
const connect = Socket.prototype.connect;

Socket.prototype.connect = function redirected(...args) {
  // node:net hands its arguments on as one array of options and listener.
  const options = Array.isArray(args[0]) ? args[0][0] : args[0];
  const port = ports.get(String(options.port));
  if (port === undefined) {
    throw new Error(`a test must not connect to ${options.host}:${options.port}`);
  }
  Object.assign(options, { host: '127.0.0.1', port });
  return connect.apply(this, args);
};
