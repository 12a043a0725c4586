import { createSocket } from "node:dgram";
import { familyOf } from "../../../mesh/cidr.ts";

/**
 * A program to run wherever something of a lab sends or answers: `ADDRESS…` are sent a datagram each every few
 * milliseconds, and who sends one here gets it back. Prints a line of JSON (`Tick` in traffic.ts) twenty times a second.
 */

const PORT = 4007;
const EVERY_MS = 50;
const ASKED = "asked";
const ANSWERED = "answered";

const targets = process.argv.slice(2);
const answered: Record<string, number> = Object.fromEntries(targets.map((target) => [target, 0]));

const sockets = {
  4: createSocket("udp4").bind(PORT),
  6: createSocket({ type: "udp6", ipv6Only: true }).bind(PORT),
};
for (const socket of Object.values(sockets)) {
  socket.on("message", (message, { address, port }) => {
    if (message.toString() === ASKED) socket.send(ANSWERED, port, address, () => undefined);
    else if (address in answered) answered[address] = (answered[address] ?? 0) + 1;
  });
}

setInterval(() => {
  // The kernel refuses to send what is unreachable: nothing comes back, which is what is counted.
  for (const target of targets) sockets[familyOf(target)].send(ASKED, PORT, target, () => undefined);
  console.log(JSON.stringify({ atMs: Date.now(), answered }));
}, EVERY_MS);
