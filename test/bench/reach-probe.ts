import { createSocket } from "node:dgram";
import { once } from "node:events";
import { z } from "zod";

/**
 * A program to run inside two pods: `echo` sends datagrams back and prints the port it does so on; `probe ADDRESS PORT
 * EVERY SILENCE` sends one each EVERY milliseconds and prints a line when answers begin and when there was none for
 * SILENCE milliseconds. Times are of the wall clock, which all programs of the machine share.
 */

async function echo(): Promise<void> {
  const socket = createSocket("udp4");
  socket.on("message", (datagram, { port, address }) => socket.send(datagram, port, address));
  socket.bind(0);
  await once(socket, "listening");
  console.log(JSON.stringify({ port: socket.address().port }));
}

function probe(address: string, port: number, everyMs: number, silenceMs: number): void {
  const socket = createSocket("udp4");
  let sentAt: number | undefined;
  let up = false;
  const tell = (is: "up" | "down", at: number): void => {
    up = is === "up";
    console.log(JSON.stringify({ is, at }));
  };
  socket.on("message", (datagram) => {
    sentAt = datagram.readDoubleBE();
    if (!up) tell("up", Date.now());
  });
  setInterval(() => {
    const now = Date.now();
    // The last that was answered is the last moment at which the far pod was surely in reach.
    if (up && sentAt !== undefined && now - sentAt > silenceMs) tell("down", sentAt);
    const datagram = Buffer.alloc(8);
    datagram.writeDoubleBE(now);
    // A network that refuses a datagram is what this program waits to see the end of.
    socket.send(datagram, port, address, () => undefined);
  }, everyMs);
}

const words = z.union([
  z.tuple([z.literal("echo")]),
  z.tuple([z.literal("probe"), z.ipv4(), z.coerce.number(), z.coerce.number(), z.coerce.number()]),
]);
const [role, ...rest] = words.parse(process.argv.slice(2));
if (role === "echo") await echo();
else probe(...(rest as [string, number, number, number]));
