/**
 * A program of its own, for comparison: fetches a whole maildrop with all RETRs sent ahead, and throws the octets away or keeps them in batches, each
 * synced as a whole. No ledger, no digests, no receipts, no limits, nothing is done about errors: what is left is the price of the wire and of the disk.
 *
 * node bare-loop.js drain|maildir|mbox HOST PORT plaintext|tls CA USER [TARGET], the password in BENCH_PASSWORD
 */
import type { Socket } from 'node:net';
import { argv, env } from 'node:process';
import { BatchStore } from './batch-store.ts';
import { MessageCutter } from './message-cutter.ts';
import { openSession } from './pop3-session.ts';

const BATCH = 256;
const [, , kind = 'drain', host = '', port = '', security = '', caPath = '', user = '', target = ''] = argv;

/** Reads the answers to all that stands before RETR; gives the number of messages, and what of the stream is left over. */
async function readCount(socket: Socket): Promise<number> {
  let text = '';
  for (;;) {
    const chunk: Buffer | null = socket.read();
    if (chunk === null) {
      await new Promise((resolve) => socket.once('readable', resolve));
      continue;
    }
    text += chunk.toString('latin1');
    // Greeting, USER, PASS, STAT.
    const lines = text.split('\r\n');
    if (lines.length > 4) return Number(lines[3]?.split(' ')[1]);
  }
}

async function main(): Promise<void> {
  const login = { host, port: Number(port), user, password: env['BENCH_PASSWORD'] ?? '' };
  const socket = await openSession({ ...login, caPath: security === 'tls' ? caPath : undefined });
  socket.write('STAT\r\n');
  const count = await readCount(socket);
  let commands = '';
  for (let number = 1; number <= count; number++) commands += `RETR ${number}\r\n`;
  socket.write(`${commands}QUIT\r\n`);
  const cutter = new MessageCutter(kind !== 'drain');
  const store = kind === 'maildir' || kind === 'mbox' ? new BatchStore(kind, target) : undefined;
  for await (const chunk of socket) {
    cutter.push(chunk);
    if (store !== undefined && cutter.messages.length >= BATCH) await store.keep(cutter.take());
  }
  await store?.keep(cutter.take());
  store?.close();
  if (cutter.count !== count) throw new Error(`${cutter.count} of ${count} messages came`);
}

await main();
