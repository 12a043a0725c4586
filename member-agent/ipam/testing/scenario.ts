import { ipInstanceKind } from "../../../crds/ip-instance.ts";
import { subnetKind } from "../../../crds/subnet.ts";
import { hasCode, messageOf, MeshError } from "../../../platform/errors.ts";
import { retryOnConflict } from "../../../platform/store/amend.ts";
import { ANNOTATIONS } from "../../../mesh/ipam/annotations.ts";
import { releaseKept, sweepStrays } from "./control.ts";
import { differences, doubles } from "./faults.ts";
import { AMPLE } from "./model-cluster.ts";
import type { ModelCluster, ModelNode, Subnets } from "./model-cluster.ts";
import { ModelSlot, SLOTS } from "./model-pods.ts";
import type { ModelPod } from "./model-pods.ts";
import type { Step } from "./steps.ts";

/** Rounds until all has to be quiet. */
const MOST_ROUNDS = 60;
/** Addresses that may be excluded at a time, and reserved. */
const MOST_PICKED = 3;
/** Why an address by name is never to be had, as long as the Subnet says so. */
const NOT_BY_NAME = ["not-reserved", "excluded"];

type Picked = "excludeIPs" | "reservedIPs";

/** Plays what happens, and holds what nodes answer against what they promise. */
export class Scenario {
  readonly #cluster: ModelCluster;
  readonly #subnets: Subnets;
  readonly #slots = SLOTS.map((slot) => new ModelSlot(slot));
  readonly #underway = new Set<Promise<void>>();
  readonly #lanes = new Map<ModelSlot, Promise<void>>();
  readonly #faults: string[] = [];
  /** Nothing was restored since all was quiet: what was promised holds. */
  #isSure = true;
  /** Of "pods4", besides what it always reserves. */
  #picked: Readonly<Record<Picked, readonly string[]>> = { excludeIPs: [], reservedIPs: [] };

  constructor(cluster: ModelCluster, subnets: Subnets) {
    this.#cluster = cluster;
    this.#subnets = subnets;
  }

  /** @throws Error that lists what did not hold */
  async play(all: readonly Step[]): Promise<void> {
    for (const step of all) {
      await this.#start(step);
      await this.#cluster.passTurns(step.turns);
      this.#judge();
    }
    await this.settle();
  }

  /** Everybody reaches everybody, and has time; then all must be the same everywhere. */
  async settle(): Promise<void> {
    let found: readonly string[] = ["nothing was looked at"];
    for (let round = 0; found.length > 0 && round < MOST_ROUNDS; round += 1) {
      if (this.#underway.size === 0) await sweepStrays(this.#cluster.store);
      this.#askAgain();
      // Who waits for another node's answer gives up after two seconds; who failed tries again after ten at the latest.
      await this.#cluster.round(this.#underway.size > 0 ? 0.25 : 15);
      this.#judge();
      found = this.#underway.size > 0 ? ["somebody waits for an answer"] : await this.#differences();
    }
    if (found.length > 0) throw new Error(`not the same everywhere:\n${found.join("\n")}`);
    this.#isSure = true;
  }

  /** Ends all pods and deletes all sets. @returns what the store names even then */
  async endAll(): Promise<readonly string[]> {
    for (const slot of this.#slots) {
      if (slot.pod !== undefined) slot.pod.isEnding = true;
      slot.renewOwner();
    }
    await this.settle();
    await releaseKept(this.#cluster.store, this.#slots);
    await this.settle();
    return (await this.#cluster.store.list(ipInstanceKind)).map(({ metadata }) => metadata.name);
  }

  /** Gives pods on one node addresses of one Subnet until there are none. @returns them */
  async useUp(subnet: string): Promise<readonly string[]> {
    const { agent } = this.#node(0);
    const given: string[] = [];
    for (let isOver = false; !isOver;) {
      const name = `last-${given.length}`;
      const facts = { pod: { namespace: "shop", name, uid: name }, annotations: { [ANNOTATIONS.subnet]: subnet } };
      const adding = agent.add({ ...facts, namespaceAnnotations: {} }, { sandbox: name, interface: "eth0" }).then(
        (addresses) => void given.push(...addresses),
        (error: unknown) => {
          isOver = true;
          if (!hasCode(error, "addresses-exhausted")) throw error;
        },
      );
      await this.#cluster.passUntil(adding);
    }
    return given;
  }

  async #start(step: Step): Promise<void> {
    switch (step.op) {
      case "run":
        return this.#inLane(this.#slot(step.slot), (slot) => this.#run(slot, this.#node(step.node)));
      case "renew":
        return this.#inLane(this.#slot(step.slot), (slot) => this.#renew(slot));
      case "end":
        return this.#inLane(this.#slot(step.slot), (slot) => this.#end(slot));
      case "vanish":
        return this.#inLane(this.#slot(step.slot), (slot) => this.#vanish(slot));
      case "late-del":
        return this.#lateDel(this.#slot(step.slot));
      case "delete-set":
        return this.#inLane(this.#slot(step.slot), async (slot) => {
          if (slot.pod === undefined) slot.renewOwner();
        });
      case "exclude":
        return this.#background(this.#pick("excludeIPs", step.place));
      case "reserve":
        return this.#background(this.#pick("reservedIPs", step.place));
      case "name":
        return this.#inLane(this.#named, (slot) => this.#run(slot, this.#node(step.node)));
      case "crash":
        return this.#node(step.node).life.endAfter(step.after);
      case "cut":
        return this.#node(step.node).cut();
      case "mend":
        return this.#node(step.node).mend();
      case "pass":
        return this.#background(this.#node(step.node).agent.pass());
      case "snapshot":
        return this.#cluster.keepSnapshot();
      case "restore":
        this.#isSure = false;
        for (const slot of this.#slots) slot.kept = undefined;
        return this.#cluster.restore();
      case "control":
        return this.#background(releaseKept(this.#cluster.store, this.#slots));
      case "settle":
        return this.settle();
    }
  }

  /** ADD: of a new pod, or once more of the one there is. */
  async #run(slot: ModelSlot, on: ModelNode): Promise<void> {
    if (slot.pod?.isEnding === true) return;
    const named = slot.sort === "named" ? this.#picked.reservedIPs.at(-1) : undefined;
    if (slot.sort === "named" && named === undefined && slot.pod === undefined) return;
    const pod = slot.pod ?? slot.newPod(on.name, this.#subnets, named);
    const node = this.#nodeOf(pod);
    const { agent, life } = node;
    const excluded = (agent.level?.subnets ?? []).flatMap(({ spec }) => spec.excludeIPs);
    try {
      const addresses = await agent.add(pod.facts, pod.attachment);
      this.#hold(slot, pod, addresses, excluded);
    } catch (error) {
      if (slot.sort === "named" && NOT_BY_NAME.some((code) => hasCode(error, code))) return;
      if (!life.isOver) this.#tolerate(error, `ADD of ${slot.name}`);
    }
  }

  /** What an ADD answered against what was promised. */
  #hold(slot: ModelSlot, pod: ModelPod, addresses: readonly string[], excluded: readonly string[]): void {
    const promised = pod.addresses ?? slot.kept;
    const { annotations } = pod.facts;
    const families = annotations[ANNOTATIONS.networkType] === undefined && slot.sort !== "named" ? 2 : 1;
    if (this.#isSure && addresses.length !== families)
      this.#faults.push(`${slot.name} was told ${addresses.join(" ")}`);
    if (this.#isSure && promised !== undefined && promised.toSorted().join() !== addresses.toSorted().join()) {
      this.#faults.push(`${slot.name} was promised ${promised.join(" ")} and is told ${addresses.join(" ")}`);
    }
    const fresh = addresses.filter((address) => promised?.includes(address) !== true);
    // What was kept for a set's pod without its knowing may have been excluded since.
    const issued = slot.retains ? [] : fresh.filter((address) => excluded.includes(address));
    if (issued.length > 0) this.#faults.push(`${slot.name} is told ${issued.join(" ")}, which is excluded`);
    pod.addresses = addresses;
    if (slot.retains) slot.kept = addresses;
  }

  /** The same pod in a new sandbox; the old one is deleted some time later. */
  async #renew(slot: ModelSlot): Promise<void> {
    const { pod } = slot;
    if (pod === undefined || pod.isEnding) return;
    slot.former.push({ node: pod.node, attachment: pod.attachment });
    pod.attachment = slot.newAttachment();
    await this.#run(slot, this.#nodeOf(pod));
  }

  async #end(slot: ModelSlot): Promise<void> {
    const { pod } = slot;
    if (pod === undefined) return;
    pod.isEnding = true;
    pod.addresses = undefined;
    const { agent, life } = this.#nodeOf(pod);
    try {
      for (const { node, attachment } of slot.former) if (node === pod.node) await agent.del(attachment);
      await agent.del(pod.attachment);
      slot.former.push({ node: pod.node, attachment: pod.attachment });
      slot.pod = undefined;
    } catch (error) {
      if (!life.isOver) this.#tolerate(error, `DEL of ${slot.name}`);
    }
  }

  /** Its network namespace goes, and nobody says so. */
  async #vanish(slot: ModelSlot): Promise<void> {
    if (slot.pod === undefined) return;
    const { kernel } = this.#nodeOf(slot.pod);
    for (const { attachment } of [...slot.former, slot.pod]) kernel.unwire(attachment);
    slot.pod = undefined;
  }

  #lateDel(slot: ModelSlot): void {
    for (const { node, attachment } of slot.former) {
      const { agent } = this.#cluster.nodes.find(({ name }) => name === node) ?? this.#node(0);
      this.#background(agent.del(attachment).catch(() => undefined));
    }
  }

  /** Excludes or reserves one more address, or, when there are enough of them, none any more. */
  async #pick(list: Picked, place: number): Promise<void> {
    const { store } = this.#cluster;
    const picked = this.#picked[list];
    const next = picked.length === MOST_PICKED ? [] : [...new Set([...picked, `10.0.0.${place}`])];
    const always = this.#subnets["pods4"]?.[list] ?? [];
    try {
      await retryOnConflict(async () => {
        const subnet = await store.get(subnetKind, "pods4");
        if (subnet === undefined) throw new Error("the Subnet is gone");
        await store.update(subnetKind, { ...subnet, spec: { ...subnet.spec, [list]: [...always, ...next] } });
      });
      this.#picked = { ...this.#picked, [list]: next };
    } catch (error) {
      this.#tolerate(error, `${list}: ${place}`);
    }
  }

  async #differences(): Promise<string[]> {
    const isWaiting = ({ pod, sort }: ModelSlot): boolean =>
      pod !== undefined && pod.addresses === undefined && sort !== "named";
    const waiting = this.#subnets === AMPLE ? this.#slots.filter(isWaiting) : [];
    return [
      ...waiting.map(({ name }) => `${name} has no address`),
      ...(await differences(this.#cluster, this.#slots, this.#isSure)),
    ];
  }

  /** Whoever was told no asks again; a pod that lost its addresses is deleted. */
  #askAgain(): void {
    if (this.#underway.size > 0) return;
    for (const slot of this.#slots) {
      const { pod } = slot;
      if (pod === undefined) continue;
      const node = this.#nodeOf(pod);
      const routed = node.kernel.routed(pod.attachment);
      const isLost = !this.#isSure && pod.addresses?.some((address) => !routed.includes(address)) === true;
      // Of a sandbox that made place for another a runtime is rid in the end.
      this.#lateDel(slot);
      if (pod.isEnding || isLost) this.#inLane(slot, () => this.#end(slot));
      else if (pod.addresses === undefined) this.#inLane(slot, () => this.#run(slot, node));
    }
  }

  #judge(): void {
    if (this.#isSure) this.#faults.push(...doubles(this.#cluster));
    if (this.#faults.length > 0) throw new Error(this.#faults.join("\n"));
  }

  /** Fails where no time helps, or for no reason that a person was told. */
  #tolerate(error: unknown, what: string): void {
    if (error instanceof MeshError && (error.retry || error.code === "in-use")) return;
    if (messageOf(error) === "the agent is starting") return;
    this.#faults.push(`${what}: ${error instanceof Error ? (error.stack ?? error.message) : messageOf(error)}`);
  }

  /** A runtime asks one thing of a pod at a time. */
  #inLane(slot: ModelSlot, act: (slot: ModelSlot) => Promise<void>): void {
    const lane = (this.#lanes.get(slot) ?? Promise.resolve()).then(() => act(slot));
    this.#lanes.set(slot, lane);
    this.#background(lane);
  }

  #background(act: Promise<void>): void {
    const underway = act.catch((error: unknown) => void this.#faults.push(messageOf(error)));
    this.#underway.add(underway);
    void underway.then(() => this.#underway.delete(underway));
  }

  get #named(): ModelSlot {
    return this.#slots.find(({ sort }) => sort === "named") as ModelSlot;
  }

  #slot(at: number): ModelSlot {
    return this.#slots[at % this.#slots.length] as ModelSlot;
  }

  #node(at: number): ModelNode {
    return this.#cluster.nodes[at % this.#cluster.nodes.length] as ModelNode;
  }

  #nodeOf(pod: ModelPod): ModelNode {
    return this.#cluster.nodes.find(({ name }) => name === pod.node) as ModelNode;
  }
}
