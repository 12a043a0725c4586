import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { writeFileSync } from "node:fs";
import path from "node:path";
import { isDeepStrictEqual } from "node:util";
import { eventually } from "../../platform/testing/eventually.ts";
import { pairsCheck } from "./support/check.ts";
import { dialled, followed } from "./support/dialled.ts";
import { forwardPorts } from "./support/forward-ports.ts";
import { startPings } from "./support/ping.ts";
import { renumberNode, renumberUplink } from "./support/renumber.ts";
import { allUp, LAB_LIMIT_MS, newTestLab } from "./support/test-lab.ts";
import { ranksOf } from "./support/tunnels.ts";

/** Gateways that are dialled, by name or by address, and then are elsewhere. Whoever dials them follows by itself. */

const lab = newTestLab();
const FILE = path.join(import.meta.dirname, "names.yaml");
const NAME = "gw.home.example";
/** Between clusters, each way. */
const PAIRS = 6;
const BASE_PORT = 51_820;
/** Names are looked up every 30 s; a machine whose address was taken away finds its NATS connections dead in as long. */
const FOLLOW_LIMIT_MS = 150_000;

/** Agents take ranks as they come up, so which gateway of cloud has which is not known before. */
let ranks: ReadonlyMap<string, number>;

/** What the machines that dial it take for /etc/hosts. */
const hosts = (): string => path.join(lab.lab.dir, "hosts");
/** Resolvers may read in between; one short line is written at once. */
const nameIs = (address: string): void => writeFileSync(hosts(), `${address} ${NAME}\n`);
const public4 = (addresses: readonly string[]): string => addresses.find((each) => !each.includes(":")) ?? "";
const homeIsAt = async (address: string): Promise<void> => {
  await forwardPorts(lab, { cluster: "home", node: "a", at: address });
  nameIs(address);
};

/** True when each of these gateways dials the other there, at the port that its rank makes; else where they do. */
async function isDialledAt(gateway: string, address: string, from: readonly string[]): Promise<unknown> {
  const seen = await Promise.all(from.map((each) => dialled(lab, each, gateway)));
  const wanted = from.map((each) => `${address}:${BASE_PORT + (ranks.get(each) ?? Number.NaN)}`);
  return isDeepStrictEqual(seen, wanted) || { seen, wanted };
}

beforeAll(async () => {
  await lab.up(FILE, "--stage", "hub");
  await homeIsAt(public4(lab.site("home").uplink.map(({ address }) => address)));
  for (const node of ["cafe/a", "cloud/a", "cloud/b"])
    await lab.place(node).run("mount", ["--bind", hosts(), "/etc/hosts"]);
  await lab.up(FILE);
  ranks = await ranksOf(lab, ["home", "cafe", "cloud"]);
}, 2 * LAB_LIMIT_MS);

afterAll(() => lab.down(), LAB_LIMIT_MS);

test("a gateway behind NAT whose ports are forwarded is dialled by its name, by one behind another NAT, too", async () => {
  const [at = ""] = (await lab.place("cafe/a").run("getent", ["ahostsv4", NAME])).split(/\s/);
  await eventually(() => isDialledAt("home/a", at, ["cafe/a", "cloud/a", "cloud/b"]));
  const { passed, failed } = await pairsCheck(lab);
  expect({ passed, failed }).toEqual({ passed: 6, failed: 0 });
});

test(
  "the site gets another public address and the name follows: so does who dials it, behind NAT or not",
  async () => {
    const pings = [
      await startPings(lab.place("cafe/desk"), lab.pod("home/nas")),
      await startPings(lab.place("cloud/web"), lab.pod("home/nas")),
    ];
    const to = public4((await renumberUplink(lab, "home")).to);
    await homeIsAt(to);
    const ms = await followed(pings, () => isDialledAt("home/a", to, ["cafe/a", "cloud/b"]), FOLLOW_LIMIT_MS);
    const [fromCafe] = await Promise.all(pings.map(({ stop }) => stop()));
    console.log(`the name is at another address: answers again after ${ms} ms`);
    expect(fromCafe?.lost.length).toBeGreaterThan(0);
    await eventually(() => allUp(lab, PAIRS), FOLLOW_LIMIT_MS);
  },
  LAB_LIMIT_MS,
);

test(
  "a gateway that is dialled by its address gets another one: it announces it, and who dials it follows",
  async () => {
    const pings = [
      await startPings(lab.place("cloud/web"), lab.pod("cafe/desk")),
      await startPings(lab.place("cloud/web"), lab.pod("home/nas")),
    ];
    const to = await renumberNode(lab, "cloud", "b");
    const ms = await followed(pings, () => isDialledAt("cloud/b", to, ["cafe/a", "home/a"]), FOLLOW_LIMIT_MS);
    const [toCafe] = await Promise.all(pings.map(({ stop }) => stop()));
    console.log(`a gateway has another address: answers again after ${ms} ms`);
    expect(toCafe?.lost.length).toBeGreaterThan(0);
    await eventually(() => allUp(lab, PAIRS), FOLLOW_LIMIT_MS);
  },
  LAB_LIMIT_MS,
);
