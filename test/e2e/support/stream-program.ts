import { once } from "node:events";
import { createConnection, createServer } from "node:net";
import type { AddressInfo, Socket } from "node:net";

/**
 * A program to run at both ends of a connection: `serve` prints the port it listens on, `connect ADDRESS PORT` dials.
 * Both ends then send bytes without an end, a little every few milliseconds, and compare what they get with what the
 * other must have sent. Each prints a line of JSON ({@link Talk}) twenty times a second.
 */

const CHUNK_BYTES = 2048;
const SEND_EVERY_MS = 10;
const TELL_EVERY_MS = 50;
/** Bytes that wait to be sent; beyond it the path is behind, and sending rests. */
const BACKLOG_BYTES = 256 * 1024;

/** A byte of the endless row that is sent: neighbours differ, and so do rows that are out of step by a packet. */
function byteAt(position: number): number {
  return (position * 31 + Math.floor(position / 251) * 17) % 256;
}

function talk(socket: Socket): void {
  let sent = 0;
  let received = 0;
  let wrongAt: number | undefined;
  let ended: string | undefined;
  let heardMs = performance.now();
  let silenceMs = 0;
  socket.setNoDelay(true);
  socket.on("data", (bytes: Buffer) => {
    for (const [at, byte] of bytes.entries()) if (byte !== byteAt(received + at)) wrongAt ??= received + at;
    received += bytes.length;
    const nowMs = performance.now();
    silenceMs = Math.max(silenceMs, nowMs - heardMs);
    heardMs = nowMs;
  });
  socket.on("error", (error) => (ended = error.message));
  socket.on("close", () => (ended ??= "the other end closed it"));
  setInterval(() => {
    if (ended !== undefined || socket.writableLength > BACKLOG_BYTES) return;
    socket.write(Uint8Array.from({ length: CHUNK_BYTES }, (_, at) => byteAt(sent + at)));
    sent += CHUNK_BYTES;
  }, SEND_EVERY_MS);
  setInterval(() => console.log(JSON.stringify({ received, wrongAt, ended, silenceMs })), TELL_EVERY_MS);
}

const [role, address, port] = process.argv.slice(2);
if (role === "serve") {
  const server = createServer(talk).listen({ port: 0 });
  await once(server, "listening");
  console.log((server.address() as AddressInfo).port);
} else {
  const socket = createConnection({ host: address, port: Number(port) });
  await once(socket, "connect");
  talk(socket);
}
