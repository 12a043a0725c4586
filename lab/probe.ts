import { randomBytes } from "node:crypto";
import { createInterface } from "node:readline";
import { isIPv6 } from "node:net";
import { messageOf } from "../platform/errors.ts";
import { probeRequest } from "./probe-protocol.ts";
import type { ProbeResult, ProbeTarget } from "./probe-protocol.ts";
import { exchangeDatagram, listenUDP } from "./probe-udp.ts";
import { connectTCP, listenTCP } from "./probe-tcp.ts";
import type { Echo } from "./probe-tcp.ts";

/** The program `lab check` runs in every pod: answers the others' probes, and probes them when told. */

const SMALL_BYTES = 64;
const ROUND_TRIPS = 5;
const LARGE_BYTES = 1024 * 1024;
const DATAGRAM_BYTES = 3_000;
/** It is sent many times in this; what still is lost is lost for good. */
const DATAGRAM_LIMIT_MS = 15_000;

/** All connect at once; round trips are then made one by one, so that they don't wait for each other. */
async function reach(targets: readonly ProbeTarget[], limitMs: number): Promise<ProbeResult[]> {
  const echoes = targets.map(({ address, tcp }) => connectTCP(address, tcp, limitMs));
  await Promise.allSettled(echoes);
  const results: ProbeResult[] = [];
  for (const [at, echo] of echoes.entries()) {
    results.push(await orFailure(targets[at]?.id ?? "", async (id) => roundTrips(id, await echo)));
  }
  return results;
}

async function roundTrips(id: string, connected: Echo): Promise<ProbeResult> {
  using echo = connected;
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
  await exchangeDatagram(address, udp, randomBytes(DATAGRAM_BYTES), DATAGRAM_LIMIT_MS);
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

async function orFailure(id: string, test: (id: string) => Promise<ProbeResult>): Promise<ProbeResult> {
  try {
    return await test(id);
  } catch (error) {
    return { id, ok: false, said: messageOf(error) };
  }
}

function each(test: (target: ProbeTarget, limitMs: number) => Promise<ProbeResult>): typeof reach {
  return (targets, limitMs) => Promise.all(targets.map((target) => orFailure(target.id, () => test(target, limitMs))));
}

const TESTS = { reach, large: each(large), silence: each(silence) };

const listen = { tcp: await listenTCP(), udp: await listenUDP() };
process.stdout.write(`${JSON.stringify(listen)}\n`);
for await (const line of createInterface({ input: process.stdin })) {
  const { test, targets, limitMs } = probeRequest.parse(JSON.parse(line));
  process.stdout.write(`${JSON.stringify(await TESTS[test](targets, limitMs))}\n`);
}
process.exit();
