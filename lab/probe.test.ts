import { afterEach, expect, test } from "@jest/globals";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { startProbe } from "./probe-client.ts";
import type { Probe } from "./probe-client.ts";
import type { ProbeRequest, ProbeResult } from "./probe-protocol.ts";

/** What the other end does to the bytes it sends back. */
type Mangle = (bytes: Buffer) => Buffer;

const asTheyAre: Mangle = (bytes) => bytes;
const flipped: Mangle = (bytes) => Buffer.from(bytes.map((byte, at) => (at === bytes.length - 1 ? byte ^ 1 : byte)));

let end = new AbortController();
afterEach(() => {
  end.abort();
  end = new AbortController();
});

/** An end that echoes as a probe does, but for what `tcp` and `udp` do to it; undefined: it does not answer. */
async function echo(tcp: Mangle | undefined, udp: Mangle | undefined): Promise<{ tcp: number; udp: number }> {
  const server = createServer((socket) => {
    socket.on("error", () => undefined);
    if (tcp === undefined) return;
    socket.write("127.0.0.1\n");
    socket.on("data", (bytes: Buffer) => socket.write(tcp(bytes)));
  }).listen(0, "127.0.0.1");
  const socket = createSocket("udp4").on("message", (datagram, from) => {
    if (udp !== undefined) socket.send(udp(datagram), from.port, from.address);
  });
  socket.bind(0, "127.0.0.1");
  await Promise.all([once(server, "listening"), once(socket, "listening")]);
  end.signal.addEventListener("abort", () => {
    server.close();
    socket.close();
  });
  return { tcp: (server.address() as AddressInfo).port, udp: socket.address().port };
}

async function ask(
  test: ProbeRequest["test"],
  ports: { tcp: number; udp: number },
  limitMs = 20_000,
): Promise<ProbeResult | undefined> {
  const probe: Probe = await startProbe(["env"], end.signal);
  const [result] = await probe.ask({ test, targets: [{ id: "x", address: "127.0.0.1", ...ports }], limitMs });
  return result;
}

test.each(["reach", "large"] as const)(
  "%s: an end that sends back what it got is well",
  async (kind) => {
    expect(await ask(kind, await echo(asTheyAre, asTheyAre))).toMatchObject({ ok: true, said: "" });
  },
  60_000,
);

test.each([
  ["reach", flipped, asTheyAre, "the payload came back changed"],
  ["large", flipped, asTheyAre, "1 MiB came back changed"],
  ["large", asTheyAre, flipped, "a datagram of 3000 bytes came back changed"],
] as const)(
  "%s: one bit that changed on the way is a hole",
  async (kind, tcp, udp, said) => {
    expect(await ask(kind, await echo(tcp, udp))).toMatchObject({ ok: false, said });
  },
  60_000,
);

test("an end that takes a connection and never answers is a hole, after the time it was given", async () => {
  const result = await ask("reach", await echo(undefined, undefined), 1_000);
  expect(result).toMatchObject({ ok: false, said: "no answer by TCP in 1000 ms" });
}, 60_000);

test.each([
  ["TCP", asTheyAre, undefined],
  ["UDP", undefined, asTheyAre],
  ["TCP and UDP", asTheyAre, asTheyAre],
] as const)(
  "silence: an answer by %s is a leak",
  async (by, tcp, udp) => {
    const result = await ask("silence", await echo(tcp, udp), 3_000);
    expect(result).toMatchObject({ ok: false, said: `it answers by ${by}, though no link lets it` });
  },
  60_000,
);

test("silence: no answer of either kind is well", async () => {
  expect(await ask("silence", await echo(undefined, undefined), 1_000)).toMatchObject({ ok: true });
}, 60_000);
