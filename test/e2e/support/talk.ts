import { z } from "zod";
import type { Place } from "../../../lab/place.ts";
import { familyOf } from "../../../mesh/cidr.ts";
import type { Family } from "../../../mesh/resources.ts";
import { eventually } from "../../../platform/testing/eventually.ts";
import { startIn } from "./background.ts";
import type { TestLab } from "./test-lab.ts";

/** Listens on a port, or on any, and says which; then tells whoever connects the address it sees them come from. */
const ECHO_SOURCE = `
  const server = require("node:net").createServer((socket) =>
    socket.on("error", () => undefined).end(socket.remoteAddress.replace(/^::ffff:/, "")));
  server.listen(Number(process.argv[1]), "::", () => console.log(server.address().port));`;

/** Connects to host and port, and says what it is told within so many milliseconds. */
const ASK_SOURCE = `
  const [host, port, timeout] = process.argv.slice(1);
  const socket = require("node:net").connect({ host, port: Number(port), timeout: Number(timeout) });
  socket.on("timeout", () => socket.destroy(new Error("nothing came back")));
  socket.on("error", (error) => console.log(error.message));
  socket.pipe(process.stdout);`;

/** A port of the program's own choice, and as long as it takes. */
const ANYHOW = { port: 0, waitMs: 30_000 } as const;

/**
 * Connects by TCP from one place to a program in another, which listens at `address` there.
 * @returns the address that the program saw, or why nothing came of it
 */
export async function sourceSeen(
  from: Place,
  to: Place,
  address: string,
  how: { readonly port?: number; readonly waitMs?: number } = {},
): Promise<string> {
  const { port, waitMs } = { ...ANYHOW, ...how };
  const server = startIn(to, [process.execPath, "-e", ECHO_SOURCE, String(port)]);
  try {
    await eventually(() => server.out().endsWith("\n") || server.err());
    const words = ["-e", ASK_SOURCE, address, server.out().trim(), String(waitMs)];
    return (await from.run(process.execPath, words, { limitMs: 2 * ANYHOW.waitMs })).trim();
  } finally {
    await server.stop("SIGKILL");
  }
}

const nodes = z.array(
  z.object({
    metadata: z.object({ name: z.string() }),
    status: z.object({ meshAddresses: z.array(z.string()) }),
  }),
);

/** Mesh address of a node, as its cluster's store tells it. */
export async function meshAddress(lab: TestLab, cluster: string, node: string, family: Family = 4): Promise<string> {
  const found = nodes
    .parse(JSON.parse(await lab.at(cluster, "get", "nodes", "--output", "json")))
    .find(({ metadata }) => metadata.name === node);
  const address = found?.status.meshAddresses.find((each) => familyOf(each) === family);
  if (address === undefined) throw new Error(`node ${cluster}/${node} tells no mesh address`);
  return address.split("/")[0] ?? address;
}
