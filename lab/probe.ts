import { createInterface } from "node:readline";
import { isIPv6 } from "node:net";
import { messageOf } from "../platform/errors.ts";
import { probeRequest } from "./probe-protocol.ts";
import type { ProbeResult, ProbeTarget } from "./probe-protocol.ts";
import { exchangeDatagram, listenUDP } from "./probe-udp.ts";
import { connectTCP, listenTCP } from "./probe-tcp.ts";
import { randomBytes } from "node:crypto";

/** The program `lab check` runs in every pod: answers the others' probes, and probes them when told. */

const SMALL_BYTES = 64;
const ROUND_TRIPS = 5;
const LARGE_BYTES = 1024 * 1024;
const DATAGRAM_BYTES = 3_000;
/** It is sent many times in this; what still is lost is lost for good. */
const DATAGRAM_LIMIT_MS = 4_000;

async function reach({ id, address, tcp }: ProbeTarget, limitMs: number): Promise<ProbeResult> {
  using echo = await connectTCP(address, tcp, limitMs);
  const times: number[] = [];
  for (let trip = 0; trip < ROUND_TRIPS; trip += 1) {
    const payload = randomBytes(SMALL_BYTES);
    const since = performance.now();
    const back = await echo.exchange(payload);
    times.push(performance.now() - since);
    if (!back.equals(payload)) return { id, ok: false, said: "the payload came back changed" };
  }
  return { id, ok: true, said: "", source: plain(echo.source), rttMs: Number(Math.min(...times).toFixed(3)) };
}

async function large({ id, address, tcp, udp }: ProbeTarget, limitMs: number): Promise<ProbeResult> {
  using echo = await connectTCP(address, tcp, limitMs);
  const payload = randomBytes(LARGE_BYTES);
  if (!(await echo.exchange(payload)).equals(payload)) return { id, ok: false, said: "1 MiB came back changed" };
  const datagram = randomBytes(DATAGRAM_BYTES);
  await exchangeDatagram(address, udp, datagram, DATAGRAM_LIMIT_MS);
  return { id, ok: true, said: "" };
}

/** Nothing but silence or a refusal by the network is right here: an answer of either kind is a hole. */
async function silence({ id, address, tcp, udp }: ProbeTarget, limitMs: number): Promise<ProbeResult> {
  const answers = await Promise.allSettled([
    connectTCP(address, tcp, limitMs).then((echo) => echo[Symbol.dispose]()),
    exchangeDatagram(address, udp, randomBytes(SMALL_BYTES), limitMs),
  ]);
  const answered = ["TCP", "UDP"].filter((_, at) => answers[at]?.status === "fulfilled");
  return answered.length === 0
    ? { id, ok: true, said: "" }
    : { id, ok: false, said: `it answers by ${answered.join(" and ")}, though no link lets it` };
}

/** IPv4 mapped into IPv6 is how a dual-stack socket shows an IPv4 peer. */
function plain(address: string): string {
  return isIPv6(address) && address.startsWith("::ffff:") ? address.slice("::ffff:".length) : address;
}

const TESTS = { reach, large, silence };

const listen = { tcp: await listenTCP(), udp: await listenUDP() };
process.stdout.write(`${JSON.stringify(listen)}\n`);
for await (const line of createInterface({ input: process.stdin })) {
  const { test, targets, limitMs } = probeRequest.parse(JSON.parse(line));
  const results = await Promise.all(
    targets.map((target) =>
      TESTS[test](target, limitMs).catch((error: unknown): ProbeResult => ({
        id: target.id,
        ok: false,
        said: messageOf(error),
      })),
    ),
  );
  process.stdout.write(`${JSON.stringify(results)}\n`);
}
process.exit();
