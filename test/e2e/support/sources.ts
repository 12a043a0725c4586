import { z } from "zod";
import type { Place } from "../../../lab/place.ts";
import { eventually } from "../../../platform/testing/eventually.ts";
import { orStop, startIn } from "./background.ts";
import type { Background } from "./background.ts";

/** Tells whoever connects to one of the ports the address it sees them come from. */
const SERVE = `
  const ports = process.argv.slice(1);
  const tell = (socket) => socket.on("error", () => undefined).end(socket.remoteAddress.replace(/^::ffff:/, ""));
  let listening = 0;
  for (const port of ports)
    require("node:net").createServer(tell).listen(Number(port), "::", () => {
      listening += 1;
      if (listening === ports.length) console.log("ready");
    });`;

/** Connects to all of these, each `[host, port, timeout]`, at once, and says what each said: an address, or why there is none. */
const ASK = `
  const ask = ([host, port, timeout]) => new Promise((resolve) => {
    let said = "";
    const socket = require("node:net").connect({ host, port, timeout });
    socket.on("timeout", () => socket.destroy(new Error("silence")));
    socket.on("error", (error) => resolve(error.message));
    socket.setEncoding("utf8").on("data", (text) => (said += text)).on("end", () => resolve(said));
  });
  Promise.all(JSON.parse(process.argv[1]).map(ask)).then((all) => console.log(JSON.stringify(all)));`;

/** A TCP server on these ports, of every address, until it is stopped. */
export async function serveSources(at: Place, ports: readonly number[]): Promise<Background> {
  const server = startIn(at, [process.execPath, "-e", SERVE, ...ports.map(String)]);
  await orStop([server], () => eventually(() => server.out() !== "" || server.err()));
  return server;
}

/**
 * Connects anew to a {@link serveSources} at each address, and waits so many milliseconds for what it says.
 * @returns by address: the source that the server saw, or why nothing came of it
 */
export async function sourcesSeen(
  from: Place,
  addresses: readonly string[],
  port: number,
  waitMs: number,
): Promise<Readonly<Record<string, string>>> {
  const asked = JSON.stringify(addresses.map((address) => [address, port, waitMs]));
  const said = await from.run(process.execPath, ["-e", ASK, asked], { limitMs: 90_000 });
  const seen = z.array(z.string()).parse(JSON.parse(said));
  return Object.fromEntries(addresses.map((address, at) => [address, seen[at] ?? ""]));
}
