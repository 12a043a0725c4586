import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import path from "node:path";
import { addressInCidr, familyOf, parseAddress, parseCidr } from "../../mesh/cidr.ts";
import type { Family } from "../../mesh/resources.ts";
import { eventually } from "../../platform/testing/eventually.ts";
import { conditionOf } from "./support/conditions.ts";
import { endOf, endOfMachine, unlikeSources } from "./support/ends.ts";
import { addedAtMs, startDatedPings } from "./support/healing.ts";
import { macOfDevice, plugIn, takeLanAddress } from "./support/lan-machine.ts";
import type { LanMachine } from "./support/lan-machine.ts";
import { pingOnce } from "./support/ping.ts";
import { addressesOf, knownAddresses, usedBySubnet } from "./support/pod-addresses.ts";
import { makeSandbox } from "./support/sandbox.ts";
import { LAB_LIMIT_MS, newTestLab } from "./support/test-lab.ts";
import type { Typed } from "./support/typed.ts";

/** Pods with addresses of the LAN that their node is on: from there, from their own cluster and from others. */

const lab = newTestLab();
const FILE = path.join(import.meta.dirname, "underlay.yaml");
const FAMILIES = [4, 6] as const;
/** What the lab file lets east announce, and in it the addresses that the printer has without a word to anybody. */
const ANNOUNCED = { 4: "192.168.1.160/28", 6: "fd00:1::a0/124" } as const;
const TAKEN = { 4: "192.168.1.165", 6: "fd00:1::a5" } as const;
/** Three addresses that are not announced, the printer has one of them. */
const FEW = { range: "192.168.1.200-192.168.1.202", taken: "192.168.1.201" } as const;
const UNDERLAY = ["--annotation", "trestle.dev/network-type=Underlay"];
/** Unless it is told, the printer does not look for it anew; told, it takes milliseconds, but this machine may stall. */
const HEALING_MS = 10_000;

let printer: LanMachine;

beforeAll(async () => {
  await lab.up(FILE);
  printer = await plugIn(lab, "east", "printer", 99);
  for (const address of [TAKEN[4], FEW.taken]) await takeLanAddress(printer, "192.168.1.0/24", address);
  await takeLanAddress(printer, "fd00:1::/64", TAKEN[6]);
}, 2 * LAB_LIMIT_MS);

afterAll(() => lab.down(), LAB_LIMIT_MS);

const addPod = (pod: string, node: string, ...words: readonly string[]): Promise<string> =>
  lab.do("pod", "add", `east/${pod}`, "--node", node, ...words);
const tryPod = (pod: string, ...words: readonly string[]): Promise<Typed> =>
  lab.try("lab", "pod", "add", `east/${pod}`, "--node", "c", ...words, "--name", lab.name);
const removePods = (...words: readonly string[]): Promise<string> => lab.do("pod", "remove", ...words);

/** Both connect to each other, and each sees the other's own address. `b` may be the printer. */
async function expectOwnAddresses(a: string, b: string, families: readonly Family[] = FAMILIES): Promise<void> {
  const other = b === "printer" ? endOfMachine(printer) : endOf(lab, b);
  expect(await unlikeSources(endOf(lab, a), other, families)).toEqual([]);
}

/** Addresses that a node answers for on its LAN. */
async function proxiesOf(node: string): Promise<string[]> {
  const shown = await lab.place(`east/${node}`).run("sh", ["-c", "ip neigh show proxy; ip -6 neigh show proxy"]);
  return [...new Set(shown.split("\n").flatMap((line) => line.split(" ")[0] || []))].toSorted();
}

describe("a pod that asks for an address of the LAN", () => {
  test(
    "gets one of each family of what is its pods', on any node",
    async () => {
      await lab.at("east", "network", "create", "lan", "--type", "Underlay");
      await lab.at("east", ...createSubnet("lan4", "192.168.1.0/24", "192.168.1.160-192.168.1.175", "192.168.1.1"));
      await lab.at("east", ...createSubnet("lan6", "fd00:1::/64", "fd00:1::a0-fd00:1::af", "fd00:1::1"));
      await addPod("till", "c", ...UNDERLAY);
      await addPod("desk", "a", ...UNDERLAY);
      const listed = await lab.at("east", "ip", "list");
      console.log(listed);
      for (const [pod, node] of [
        ["till", "c"],
        ["desk", "a"],
      ] as const) {
        for (const family of FAMILIES) {
          const address = lab.pod(`east/${pod}`, family);
          expect(addressInCidr(parseCidr(ANNOUNCED[family]), parseAddress(address))).toBe(true);
          expect(listed).toMatch(new RegExp(`^${address} .* default/${pod} +${node} +lan${family} +lan$`, "m"));
        }
      }
      for (const family of FAMILIES) {
        await eventually(async () => {
          const said = await conditionOf(lab, "east", `lan${family}`, "Announced");
          return said?.status === "True" || said;
        });
      }
    },
    LAB_LIMIT_MS,
  );

  test.each([
    ["an overlay pod on the same node", "east/till", "east/web"],
    ["an overlay pod on another node", "east/till", "east/api"],
    ["another one on another node", "east/till", "east/desk"],
    ["its own node", "east/till", "east/c"],
    ["another node", "east/till", "east/b"],
    ["a machine of the LAN", "east/till", "printer"],
    ["a pod of another cluster", "east/till", "west/db"],
    ["a pod of another cluster, from a gateway", "east/desk", "west/db"],
  ])("reaches %s and is reached, each by its own address", (_, a, b) => expectOwnAddresses(a, b), LAB_LIMIT_MS);

  test(
    "is known on the LAN by the MAC address of its node",
    async () => {
      for (const [pod, node] of [
        ["east/till", "east/c"],
        ["east/desk", "east/a"],
      ] as const) {
        const mac = await macOfDevice(lab.place(node));
        for (const family of FAMILIES) {
          await pingOnce(printer.place, lab.pod(pod, family));
          await eventually(async () => {
            const known = await printer.macOf(lab.pod(pod, family));
            return known === mac || { pod, known, mac };
          });
        }
      }
    },
    LAB_LIMIT_MS,
  );

  test.each(FAMILIES)(
    "is refused the IPv%i address that a machine of the LAN has, and told whose it is",
    async (family) => {
      const { code, err } = await tryPod("rival", ...UNDERLAY, "--annotation", `trestle.dev/ip=${TAKEN[family]}`);
      expect(code).toBe(1);
      expect(err).toContain(`${TAKEN[family]} of Subnet "lan${family}" is used on the LAN by ${printer.mac}`);
      expect(err).toContain("CNI error 102");
      expect((await knownAddresses(lab, "east")).map(({ pod }) => pod)).not.toContain("default/rival");
    },
    LAB_LIMIT_MS,
  );
});

function createSubnet(name: string, cidr: string, range: string, gateway: string): string[] {
  return ["subnet", "create", name, "--network", "lan", "--cidr", cidr, "--range", range, "--gateway", gateway];
}

describe("a range that the cluster does not announce", () => {
  const few = ["--annotation", "trestle.dev/subnet=few"];

  test(
    "says so and what to do, and serves its own cluster all the same",
    async () => {
      const words = ["subnet", "create", "few", "--network", "lan", "--cidr", "192.168.1.0/24", "--private"];
      await lab.at("east", ...words, "--range", FEW.range);
      await eventually(async () => {
        const said = await conditionOf(lab, "east", "few", "Announced");
        return (said?.status === "False" && said.reason === "NotAnnounced") || said;
      });
      const { message } = (await conditionOf(lab, "east", "few", "Announced")) ?? {};
      expect(message).toContain('add it to spec.allowedCIDRs of Cluster "east" at the hub');
      await addPod("few-0", "c", ...few);
      for (const other of ["east/api", "east/web", "east/a", "printer"])
        await expectOwnAddresses("east/few-0", other, [4]);
    },
    LAB_LIMIT_MS,
  );

  test(
    "gives none that a machine of the LAN has, refuses a pod when no other is left, and gives what is freed again",
    async () => {
      await addPod("few-1", "b", ...few);
      const given = ["few-0", "few-1"].map((pod) => lab.pod(`east/${pod}`, 4));
      expect(given.toSorted()).toEqual(["192.168.1.200", "192.168.1.202"]);
      const { code, err } = await tryPod("few-2", ...few);
      expect(code).toBe(1);
      expect(err).toContain('no IPv4 address is left for pod default/few-2 in Network "lan" (Subnet few)');
      expect(err).toContain("CNI error 101");

      await removePods("east/few-1");
      await eventually(async () => (await tryPod("few-2", ...few)).code === 0 || knownAddresses(lab, "east"));
      expect(lab.pod("east/few-2", 4)).toBe(given[1]);
      await expectOwnAddresses("east/few-2", "printer", [4]);
    },
    LAB_LIMIT_MS,
  );
});

/** A StatefulSet's pod on one node after the other. */
describe("a pod that keeps its address and moves", () => {
  const pod = "shop-0";
  const words = [...UNDERLAY, "--owner", "StatefulSet/shop"];

  /**
   * Has the printer and a pod of another cluster ping it while it moves, and both find it again soon.
   * @param leave takes it off the node where it was
   */
  async function expectHealing(to: string, leave: () => Promise<unknown>): Promise<void> {
    const before = addressesOf(lab, `east/${pod}`);
    const watched = [printer.place, lab.place("west/db")].flatMap((from) =>
      before.map(async (address) => ({ from, address, pings: await startDatedPings(from, address) })),
    );
    const all = await Promise.all(watched);
    try {
      for (const address of before)
        await eventually(async () => (await printer.macOf(address, "sure")) !== undefined || printer.macOf(address));
      await leave();
      await addPod(pod, to, ...words);
      expect(addressesOf(lab, `east/${pod}`)).toEqual(before);
      const thereMs = addedAtMs(lab, `east/${to}`, pod);
      for (const { pings } of all) await eventually(() => pings.answeredSince(thereMs));
      const mac = await macOfDevice(lab.place(`east/${to}`));
      for (const address of before) {
        await eventually(async () => (await printer.macOf(address)) === mac || printer.macOf(address), HEALING_MS);
      }
      const healed = all.map(({ from, address, pings }) => {
        const { fromMs, toMs } = pings.silence();
        return { from: from.netns, address, silentMs: Math.round(toMs - fromMs), healedMs: Math.round(toMs - thereMs) };
      });
      console.log(
        `${pod} is on ${to}; milliseconds of silence, and until its first answer after it was there:`,
        healed,
      );
      for (const { healedMs } of healed) expect(healedMs).toBeLessThan(HEALING_MS);
    } finally {
      await Promise.all(all.map(({ pings }) => pings.stop()));
    }
  }

  test(
    "from one living node to another is found again at once",
    async () => {
      await addPod(pod, "b", ...words);
      await expectHealing("c", () => removePods(`east/${pod}`));
      expect(await proxiesOf("b")).not.toContain(lab.pod(`east/${pod}`, 4));
    },
    LAB_LIMIT_MS,
  );

  test(
    "from a node that is cut off is found again at once, and stays where it is when that node is back",
    async () => {
      await expectHealing("b", async () => {
        await lab.break("node:east/c");
        await removePods(`east/${pod}`, "--force");
      });
      await lab.mend("node:east/c");
      await addPod("early", "c", ...UNDERLAY);
      // What the node has to say it has said, once this is in the store.
      await eventually(async () => {
        const known = await knownAddresses(lab, "east");
        return known.some((each) => each.pod === "default/early" && each.node === "c") || known;
      });
      const own = addressesOf(lab, `east/${pod}`);
      const known = (await knownAddresses(lab, "east")).filter((each) => each.pod === `default/${pod}`);
      expect(known.map(({ address, node }) => ({ address, node }))).toEqual(
        own.map((address) => ({ address, node: "b" })),
      );
      expect((await proxiesOf("c")).filter((address) => own.includes(address))).toEqual([]);
      await expectOwnAddresses(`east/${pod}`, "west/db");
      await expectOwnAddresses(`east/${pod}`, "printer");
    },
    LAB_LIMIT_MS,
  );
});

test(
  "while the store is down an overlay pod starts, an underlay pod is told to wait, and starts when the store is back",
  async () => {
    const at = { cluster: "east", node: "c" };
    const overlay = await makeSandbox(lab, at, "plain");
    const underlay = await makeSandbox(lab, at, "later", { "trestle.dev/network-type": "Underlay" });
    await lab.break("store:east");
    const waiting = await underlay.call("ADD");
    expect(waiting).toMatchObject({ code: 11, addresses: [] });
    const started = await overlay.call("ADD");
    expect({ ...started, families: started.addresses.map(familyOf) }).toMatchObject({ code: 0, families: [4, 6] });
    await expectOwnAddresses("east/till", "printer");
    await lab.mend("store:east");
    let came = waiting;
    await eventually(async () => {
      came = await underlay.call("ADD");
      return came.code === 0 || came;
    });
    expect(came.addresses.map(familyOf)).toEqual([4, 6]);
    for (const sandbox of [overlay, underlay]) {
      await eventually(async () => {
        const gone = await sandbox.call("DEL");
        return gone.code === 0 || gone;
      });
      await sandbox.remove();
    }
  },
  LAB_LIMIT_MS,
);

test(
  "when all pods are gone nothing of them is left",
  async () => {
    const pods = (await knownAddresses(lab, "east")).map(({ pod }) => pod.replace("default/", "east/"));
    await removePods("--with-owner", ...new Set(pods));
    await eventually(async () => {
      const [left, used] = [await knownAddresses(lab, "east"), await usedBySubnet(lab, "east")];
      return (left.length === 0 && Object.values(used).every((count) => count === 0)) || { left, used };
    });
    for (const node of ["a", "b", "c"]) expect({ node, proxies: await proxiesOf(node) }).toEqual({ node, proxies: [] });
  },
  LAB_LIMIT_MS,
);
