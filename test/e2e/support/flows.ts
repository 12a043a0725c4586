import { z } from "zod";
import type { Place } from "../../../lab/place.ts";
import { eventually } from "../../../platform/testing/eventually.ts";
import { startIn } from "./background.ts";

/** Programs for two places: one answers at the port that it says first, the other counts what came of its flows. */
interface Programs {
  readonly serve: string;
  /** Takes host, port and count. */
  readonly call: string;
}

const COUNT = `
  const [host, port, count] = process.argv.slice(1);
  const tally = (all) => {
    const counts = {};
    for (const each of all) counts[each] = (counts[each] ?? 0) + 1;
    console.log(JSON.stringify(counts));
    process.exit();
  };
  const all = (outcome) => Promise.all(Array.from({ length: Number(count) }, outcome)).then(tally);`;

/** A line with the caller's address, then all that it sends. */
const TCP: Programs = {
  serve: `
    const server = require("node:net").createServer({ allowHalfOpen: true }, (socket) => {
      socket.on("error", () => undefined);
      socket.write(socket.remoteAddress.replace(/^::ffff:/, "") + " ");
      socket.pipe(socket);
    });
    server.listen(0, "::", () => console.log(server.address().port));`,
  call: `${COUNT}
    const payload = "x".repeat(4000);
    all(() => new Promise((resolve) => {
      let said = "";
      const socket = require("node:net").connect({ host, port: Number(port), timeout: 45_000 });
      socket.on("timeout", () => socket.destroy(new Error("silent for 45 s")));
      socket.on("error", (error) => resolve(error.message));
      socket.setEncoding("utf8").on("data", (text) => (said += text));
      socket.on("end", () => resolve(said.endsWith(" " + payload) ? said.split(" ")[0] : "not all came back"));
      socket.end(payload);
    }));`,
};

/** Each datagram is answered with the address that it came from; a flow is well when all of its ten were. */
const UDP: Programs = {
  serve: `
    const server = require("node:dgram").createSocket("udp6");
    server.on("message", (_, { address, port }) => server.send(address.replace(/^::ffff:/, ""), port, address));
    server.bind(0, "::", () => console.log(server.address().port));`,
  call: `${COUNT}
    all(() => new Promise((resolve) => {
      const socket = require("node:dgram").createSocket(host.includes(":") ? "udp6" : "udp4");
      const heard = [];
      const fail = setTimeout(() => resolve("only " + heard.length + " answers"), 45_000);
      socket.on("error", (error) => resolve(error.message));
      socket.on("message", (text) => {
        heard.push(String(text));
        if (heard.length === 10) resolve(heard.every((each) => each === heard[0]) ? heard[0] : heard.join());
        else ask();
      });
      const ask = () => socket.send("?", Number(port), host);
      ask();
    }));`,
};

const outcomes = z.record(z.string(), z.number());
/** How many flows came to each outcome: the source address that the other side saw, or what went wrong. */
export type Outcomes = z.infer<typeof outcomes>;

/** Makes `count` TCP connections at once from one place to another, at `address`, which carry some packets each way. */
export function connections(from: Place, to: Place, address: string, count: number): Promise<Outcomes> {
  return make(TCP, { from, to, address, count });
}

/**
 * The same with flows of UDP. On a lab's wires a packet keeps the hash that its socket gave it (sk_txhash) from machine
 * to machine, and multipath routes take that for their own (fib_multipath_hash in net/ipv4/route.c): machine after
 * machine decides alike, as no two real machines would. A UDP socket that is not connected gives none, nor does a flow label of
 * IPv6 that is not made (auto_flowlabels of Documentation/networking/ip-sysctl.rst).
 */
export async function datagrams(from: Place, to: Place, address: string, count: number): Promise<Outcomes> {
  for (const { run } of [from, to]) await run("tee", ["/proc/sys/net/ipv6/auto_flowlabels"], { stdin: "0" });
  return make(UDP, { from, to, address, count });
}

interface Flows {
  readonly from: Place;
  readonly to: Place;
  readonly address: string;
  readonly count: number;
}

async function make({ serve, call }: Programs, { from, to, address, count }: Flows): Promise<Outcomes> {
  const server = startIn(to, [process.execPath, "-e", serve]);
  try {
    await eventually(() => server.out().endsWith("\n") || server.err());
    const words = ["-e", call, address, server.out().trim(), String(count)];
    return outcomes.parse(JSON.parse(await from.run(process.execPath, words, { limitMs: 90_000 })));
  } finally {
    await server.stop("SIGKILL");
  }
}
