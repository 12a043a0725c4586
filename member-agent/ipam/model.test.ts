import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { subnetKind } from "../../crds/subnet.ts";
import { formatAddress, parseCidr } from "../../mesh/cidr.ts";
import { ANNOTATIONS } from "../../mesh/ipam/annotations.ts";
import type { Attachment } from "../../mesh/ipam/resources.ts";
import { spanOfCidr, spanOfSubnet } from "../../mesh/ipam/span.ts";
import type { Span } from "../../mesh/ipam/span.ts";
import { supplyOf } from "../../mesh/ipam/supply.ts";
import { AMPLE, ModelCluster, TIGHT } from "./testing/model-cluster.ts";
import type { Subnets } from "./testing/model-cluster.ts";
import { Scenario } from "./testing/scenario.ts";
import { reservations, steps } from "./testing/steps.ts";

const NODES = ["n0", "n1", "n2"];
/** Each run plays the same steps; what overtakes what is up to the disk, too, so no two runs are the same. */
const SEED = 1;

const LAN = spanOfSubnet(AMPLE["hall"] as Subnets[string]);

/** Runs a test with nodes of a cluster, and ends them; `seed` says what overtakes what. */
async function withCluster(
  subnets: Subnets,
  seed: number,
  use: (cluster: ModelCluster) => Promise<void>,
): Promise<void> {
  const root = await mkdtemp(path.join(tmpdir(), "trestle-model-"));
  const cluster = await ModelCluster.open(root, NODES, subnets, seed);
  try {
    await use(cluster);
  } finally {
    await cluster.remove();
    await rm(root, { recursive: true, force: true });
  }
}

/** What may be issued of a Subnet, as far as it lies in a part of it. */
function issuable(name: string, { family, first, last }: Span): string[] {
  const supply = supplyOf(AMPLE[name] as Subnets[string]);
  const values = Array.from({ length: Number(last - first) + 1 }, (_, at) => first + BigInt(at));
  return values
    .filter((value) => supply.isFree(Number(value - supply.span.first)))
    .map((value) => formatAddress({ family, value }));
}

/** Plays whatever happens, see {@link Scenario}; then ends all pods, after which nothing is left of them. */
async function holds(
  subnets: Subnets,
  { restores = false, numRuns = 40, all = steps(NODES.length, { restores }) },
): Promise<void> {
  await fc.assert(
    fc.asyncProperty(all, fc.integer(), (what, seed) =>
      withCluster(subnets, seed, async (cluster) => {
        const scenario = new Scenario(cluster, subnets);
        await scenario.play(what);
        expect(await scenario.endAll()).toEqual([]);
      }),
    ),
    { numRuns, seed: SEED },
  );
}

test(
  "pods have addresses of their own and keep them, whichever agents are killed or cut off meanwhile",
  () => holds(AMPLE, {}),
  300_000,
);

test("the same holds where there are never enough addresses for all", () => holds(TIGHT, {}), 300_000);

test(
  "an address that is reserved while nodes are late, or start again, is given by name or by a node, and not by both",
  () => holds(TIGHT, { all: reservations(NODES.length) }),
  300_000,
);

test(
  "a store that was restored to an older state comes to say what there is, or who lost what",
  () => holds(AMPLE, { restores: true }),
  300_000,
);

test("the same holds with too few addresses", () => holds(TIGHT, { restores: true, numRuns: 20 }), 300_000);

test.each(["pods4", "hall"])(
  "whatever happened, all addresses of %s can be given to somebody once everybody is gone",
  (name) =>
    fc.assert(
      fc.asyncProperty(steps(NODES.length, { restores: true }), fc.integer(), (all, seed) =>
        withCluster(AMPLE, seed, async (cluster) => {
          const scenario = new Scenario(cluster, AMPLE);
          await scenario.play(all);
          await scenario.endAll();
          const given = await scenario.useUp(name);
          // A store that was restored may have forgotten what was excluded and reserved.
          const spec = (await cluster.store.get(subnetKind, name))?.spec ?? (AMPLE[name] as Subnets[string]);
          const { total, reserved } = supplyOf(spec);
          expect(new Set(given).size).toBe(given.length);
          expect(given).toHaveLength(total - reserved);
        }),
      ),
      { numRuns: 10, seed: SEED },
    ),
  300_000,
);

test.each([
  ["pods4", "its node has fresh ones", Infinity],
  // What is freed of twelve addresses is so a moment later.
  ["hall", "the LAN has fresh ones", 8],
])(
  "a freed address of %s is not given again while %s, over any number of restarts",
  (name, _, mostPods) =>
    fc.assert(
      fc.asyncProperty(fc.array(fc.constantFrom("add", "add", "del", "restart"), { maxLength: 60 }), (all) =>
        withCluster(AMPLE, 1, async (cluster) => {
          const [node] = cluster.nodes as [ModelCluster["nodes"][number]];
          await new Scenario(cluster, AMPLE).settle();
          const pods: Attachment[] = [];
          const given = new Set<string>();
          const tooEarly: string[] = [];
          for (const [n, op] of all.entries()) {
            const [first] = pods;
            const attachment = { sandbox: `s${n}`, interface: "eth0" };
            const places =
              name === "hall" ? [LAN] : (node.agent.ipam?.blocks ?? []).map((cidr) => spanOfCidr(parseCidr(cidr)));
            const fresh = places.flatMap((span) => issuable(name, span)).filter((address) => !given.has(address));
            if (op === "restart") {
              node.life.end();
              await cluster.round(1);
            } else if (op === "del" && first !== undefined) {
              await node.agent.del(first);
              pods.shift();
            } else if (op === "add" && pods.length < mostPods) {
              const pod = { namespace: "shop", name: `p${n}`, uid: `p${n}` };
              const annotations = { [ANNOTATIONS.subnet]: name };
              const [address = ""] = await node.agent.add({ pod, annotations, namespaceAnnotations: {} }, attachment);
              if (fresh.length > 0 && given.has(address)) tooEarly.push(address);
              given.add(address);
              pods.push(attachment);
            }
          }
          expect(tooEarly).toEqual([]);
        }),
      ),
      { numRuns: 15, seed: SEED },
    ),
  300_000,
);

test("a former sandbox's late DEL takes nothing from the next one, whichever comes first", () =>
  withCluster(AMPLE, 1, async (cluster) => {
    const [node] = cluster.nodes;
    await new Scenario(cluster, AMPLE).settle();
    for (const first of ["add", "del"]) {
      const facts = { pod: { namespace: "shop", name: first, uid: first }, annotations: {}, namespaceAnnotations: {} };
      const [former, next] = [1, 2].map((n) => ({ sandbox: `${first}.s${n}`, interface: "eth0" })) as [
        Attachment,
        Attachment,
      ];
      await node?.agent.add(facts, former);
      const add = async (): Promise<void> => void (await node?.agent.ipam?.allocate(facts, next));
      const del = async (): Promise<void> => node?.agent.ipam?.release(former);
      await Promise.all(first === "add" ? [add(), del()] : [del(), add()]);
      expect(node?.agent.ipam?.of(next).map(({ address }) => address)).toHaveLength(2);
    }
  }));
