import { addPods } from "../../lab/add-pods.ts";
import { requireSite } from "../../lab/place.ts";
import { removePods } from "../../lab/remove-pods.ts";
import { stateOf } from "../../lab/state.ts";
import { askCluster } from "../../lab/trestle.ts";
import { waitUntil } from "../../lab/wait.ts";
import { addedAtMs, startDatedPings } from "../e2e/support/healing.ts";
import { plugIn } from "../e2e/support/lan-machine.ts";
import type { Bench } from "./bench.ts";
import { withLab } from "./own-lab.ts";

const CLUSTER = "east";
const POD = "shop-0";
const SUBNETS = [
  { name: "lan4", cidr: "192.168.1.0/24", range: "192.168.1.160-192.168.1.175" },
  { name: "lan6", cidr: "fd00:1::/64", range: "fd00:1::a0-fd00:1::af" },
];
/** Unannounced, a machine of the LAN that is sure of a neighbour never finds it again. */
const HEALING_LIMIT_MS = 60_000;

/** A pod's move, as a machine of its LAN sees it. Milliseconds. */
export interface Move {
  /** From the plugin's answer on the new node to the first ping that was answered, by family. */
  readonly healedMs: { readonly 4: number; readonly 6: number };
}

/**
 * Moves a StatefulSet's pod that has addresses of the LAN from one living node to the other and back, over and over,
 * while a machine of the LAN pings both of its addresses every 20 ms. That machine trusts what it knows of the LAN for an
 * hour, so it finds the pod again only because it is told.
 */
export function timeMoves(rounds: number, on: Pick<Bench, "progress" | "signal">): Promise<Move[]> {
  return withLab("move.yaml", on, async (bench) => {
    const { lab, layout, progress, signal } = bench;
    const site = requireSite(layout, CLUSTER);
    const ask = (words: readonly string[]): Promise<string> => askCluster(lab, stateOf(lab), site, words, signal);
    await ask(["network", "create", "lan", "--type", "Underlay"]);
    for (const { name, cidr, range } of SUBNETS) {
      await ask(["subnet", "create", name, "--network", "lan", "--cidr", cidr, "--range", range]);
    }
    const machine = await plugIn({ name: lab.name, site: () => site }, CLUSTER, "printer", 99);
    const { addresses } = await startOn(bench, "b");
    const pings = await Promise.all(addresses.map((address) => startDatedPings(machine.place, address)));
    try {
      const moves: Move[] = [];
      for (let round = 1; round <= rounds; round += 1) {
        const to = round % 2 === 1 ? "a" : "b";
        const title = `move ${round} of ${rounds}`;
        moves.push(await progress.step(title, () => move(bench, to, pings)));
      }
      return moves;
    } finally {
      await Promise.all(pings.map((each) => each.stop()));
    }
  });
}

type Pings = Awaited<ReturnType<typeof startDatedPings>>;

async function move(bench: Bench, to: string, pings: readonly Pings[]): Promise<Move> {
  const { lab, signal } = bench;
  await removePods(lab, CLUSTER, [POD], { withOwner: false, force: false }, signal);
  await startOn(bench, to);
  const thereMs = addedAtMs({ lab }, `${CLUSTER}/${to}`, POD);
  const [four, six] = await Promise.all(pings.map((each) => firstAnswer(bench, each, thereMs)));
  return { healedMs: { 4: (four ?? NaN) - thereMs, 6: (six ?? NaN) - thereMs } };
}

function firstAnswer({ lab, signal }: Bench, pings: Pings, sinceMs: number): Promise<number> {
  const found = (): number | undefined => pings.firstSince(sinceMs);
  return waitUntil(found, () => "the pod is not found again", { clock: lab.clock, signal, limitMs: HEALING_LIMIT_MS });
}

async function startOn({ lab, signal }: Bench, node: string): Promise<{ readonly addresses: readonly string[] }> {
  const owner = { kind: "StatefulSet", name: "shop" };
  const annotations = { "trestle.dev/network-type": "Underlay" };
  const [pod] = await addPods(lab, CLUSTER, [{ namespace: "default", name: POD, node, owner, annotations }], signal);
  if (pod === undefined) throw new Error(`${POD} is not there`);
  return pod;
}
