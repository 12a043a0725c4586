import type { PodFacts } from "../../mesh/ipam/annotations.ts";
import { familyOf } from "../../mesh/cidr.ts";
import type { Attachment, IPInstance } from "../../mesh/ipam/resources.ts";
import type { Clock } from "../../platform/clock.ts";
import { MeshError, messageOf } from "../../platform/errors.ts";
import type { Log } from "../../platform/log.ts";
import type { Run } from "../../platform/run.ts";
import { atMost, Turns } from "../../platform/turns.ts";
import type { LinkDeletions } from "../../tunnel/link-deletions.ts";
import { POD_NEXT_HOP, podAlias, podDevice, podMacs, unwirePod, wirePod } from "../../tunnel/pod-link.ts";
import type { PodLink } from "../../tunnel/pod-link.ts";
import { podWireFaults } from "../../tunnel/pod-wire-check.ts";
import { answerFor, observeProxies, startAnswering, stopAnswering } from "../../tunnel/underlay/proxies.ts";
import type { AskedFacts } from "../ipam/asked.ts";
import { attachmentKey, attachmentsOf } from "../ipam/binding.ts";
import type { Binding } from "../ipam/binding.ts";
import type { PodDirectory } from "../ipam/directory.ts";
import type { NodeIPAM } from "../ipam/node-ipam.ts";
import { Announcements } from "./announcements.ts";
import type { PodWire } from "./answer.ts";
import type { CNICall } from "./call.ts";
import { CNI_CODES, CNIError } from "./cni-error.ts";
import { PodNamespaces } from "./pod-namespace.ts";
import { toldAddresses } from "./prev-result.ts";
import type { Call, CNICommands } from "./serve.ts";

export interface PodNetworkParts {
  readonly ipam: NodeIPAM;
  /** Runs programs on this node. */
  readonly run: Run;
  /** Hear that wires are gone. */
  readonly deletions: LinkDeletions;
  /** The LAN's device, and bytes of a packet of pods. */
  readonly lan: () => { readonly device: string; readonly podMtu: number };
  /** Undefined until the store was there for the first time. */
  readonly directory: () => PodDirectory | undefined;
  /** Whether the kernel holds what it should. */
  readonly isReady: () => boolean;
  readonly clock: Clock;
  readonly log: Log;
}

/** Wires that are made or looked at at a time: more would only wait for the kernel's one lock of links (RTNL). */
const MOST_WIRES = 8;

type Attached = Extract<CNICall, { readonly attachment: Attachment }>;

/** Gives pods their addresses and wires, and takes them back: the operations of the CNI specification. */
export class PodNetwork implements CNICommands {
  readonly #parts: PodNetworkParts;
  readonly #signal: AbortSignal;
  readonly #namespaces: PodNamespaces;
  readonly #announcements: Announcements;
  readonly #turns = new Turns();
  /** Of attachments whose wire is taken away, or that the LAN is told of. Whoever has this turn waits for no sandbox's. */
  readonly #removals = new Turns();
  readonly #wiring = atMost(MOST_WIRES);

  /** @param signal ends announcements to the LAN */
  constructor(parts: PodNetworkParts, signal: AbortSignal) {
    this.#parts = parts;
    this.#signal = signal;
    this.#namespaces = new PodNamespaces(parts.run);
    const isConfirmed = (address: string): Promise<boolean> => parts.ipam.isConfirmed(address);
    this.#announcements = new Announcements({ ...parts, isConfirmed }, signal);
  }

  async add(call: Call<"ADD">): Promise<PodWire> {
    const { attachment, netns } = call;
    const facts: AskedFacts = { ...(await this.#factsOf(call)), list: call.configuration.name };
    const { namespace, name } = facts.pod;
    return this.#turns.take(`${namespace}/${name}`, () =>
      this.#turns.take(attachment.sandbox, () => this.#add(facts, attachment, netns)),
    );
  }

  del({ attachment }: Pick<Call<"DEL">, "attachment">): Promise<void> {
    return this.#turns.take(attachment.sandbox, () => this.#remove(attachment));
  }

  /**
   * The store is not asked. What it said last of an address may be that it is another pod's; that it says nothing of one is
   * no fault: the journal is what counts on this node, and the store is told behind it, and again when it forgets.
   */
  async check({ attachment, netns, configuration }: Call<"CHECK">): Promise<void> {
    const { ipam, run, lan } = this.#parts;
    const bindings = ipam.of(attachment);
    const told = toldAddresses(configuration.prevResult ?? {}, attachment);
    const lost = told.filter((address) => !bindings.some((each) => each.address === address));
    const faults =
      bindings.length === 0
        ? ["no address is written down for it"]
        : await this.#wiring(() => podWireFaults(run, this.#linkOf(attachment, netns, bindings)));
    const underlay = underlayOf(bindings);
    const proxies = underlay.length === 0 ? [] : await observeProxies(run, lan().device);
    const unheard = underlay.filter((address) => !proxies.includes(address));
    const all = [
      ...faults,
      ...lost.map((address) => `${address} is not its any more`),
      ...unheard.map((address) => `${lan().device} does not answer for ${address}`),
      ...ipam.claimsOfOthers(attachment).map(sayOfOthers),
    ];
    if (all.length === 0) return;
    throw new CNIError(CNI_CODES.broken, `the network of sandbox ${attachment.sandbox} is broken: ${all.join("; ")}`);
  }

  async gc({ valid, configuration }: Call<"GC">): Promise<void> {
    const keep = new Set(valid.map(attachmentKey));
    const { ipam } = this.#parts;
    // Of what an ADD is at work on now the list may not know yet, and of other configurations it knows nothing. Whose a
    // wire is that was found without a book nobody knows: it waits for its own DEL.
    const stale = [...ipam.bindings.values()].filter(
      ({ attachment, list }) =>
        list === configuration.name && !keep.has(attachmentKey(attachment)) && !ipam.isBusy(attachment),
    );
    await Promise.all(attachmentsOf(stale).map((attachment) => this.del({ attachment })));
  }

  /**
   * Well as soon as pods can be given addresses: they are wired even while routes to other clusters are not there yet.
   * Without a word of the store since the start nothing is known of pods, whatever addresses there are.
   */
  async status(): Promise<void> {
    const { ipam, directory, isReady } = this.#parts;
    if (ipam.serving && directory() !== undefined) return;
    if (!isReady()) {
      const message = "this node's kernel does not hold the mesh's routes yet";
      throw new CNIError(CNI_CODES.notAvailableNorConnected, message);
    }
    const unknown = ipam.serving ? "what its pods ask for" : "its addresses";
    const message = `this node does not know ${unknown} yet: it has not heard from the store`;
    throw new CNIError(CNI_CODES.notAvailable, message);
  }

  /**
   * The LAN is answered for the addresses that this node's pods have of it, and for no other. It is told of them in rounds
   * alone: of what an answer is missing for another node may have by now.
   */
  async reconcileProxies(): Promise<void> {
    const { run, lan, ipam } = this.#parts;
    const nic = lan().device;
    const present = new Set(await observeProxies(run, nic));
    for (const address of present) {
      if (ipam.bindings.has(address)) continue;
      await stopAnswering(run, nic, address);
      present.delete(address);
    }
    // An ADD that is at work tells the LAN itself.
    const wanted = [...ipam.bindings.values()].filter(
      ({ type, attachment }) => type === "Underlay" && !ipam.isBusy(attachment),
    );
    for (const binding of wanted) {
      const { address, attachment } = binding;
      if (present.has(address)) continue;
      await this.#removals.take(attachmentKey(attachment), async () => {
        // A DEL takes it from the LAN before it gives it back.
        if (ipam.bindings.get(address) === binding) await startAnswering(run, nic, address);
      });
    }
    this.#announcements.renew(wanted.map(({ address }) => address));
  }

  async #add(facts: AskedFacts, attachment: Attachment, netns: string): Promise<PodWire> {
    const { ipam, log } = this.#parts;
    // Looked at in its turn: who waited may be of a sandbox that is gone, whose pod has another one by now.
    await this.#namespaces.require(netns);
    try {
      const { bindings, isNew, former } = await ipam.allocate(facts, attachment);
      const link = this.#linkOf(attachment, netns, bindings);
      try {
        // What was not written down yet when the node left is nobody's to take away but this ADD's.
        if (!ipam.serving) throw new MeshError("left", "this node has left the mesh meanwhile", { retry: true });
        if (former !== undefined) await this.#makeWay(former);
        await this.#wiring(() => this.#wire(link, isNew));
        for (const address of underlayOf(bindings)) await this.#answer(address);
      } catch (error) {
        // What went wrong first is what the runtime must hear of.
        await this.#remove(attachment).catch((failed: unknown) =>
          log.warn({ event: "undo-failed", error: failed }, messageOf(failed)),
        );
        throw error;
      }
      const { namespace, name } = facts.pod;
      log.info(
        { event: "pod-added", pod: `${namespace}/${name}`, addresses: link.addresses, sandbox: attachment.sandbox },
        `${namespace}/${name} has ${link.addresses.join(", ")}`,
      );
      return wireAnswer(link);
    } finally {
      ipam.settle(attachment);
    }
  }

  /**
   * A DEL of the former sandbox may be under way: what it takes away has to be gone before it is made anew. An ADD of that
   * sandbox, of another pod, is not waited for: it may wait for this one.
   */
  #makeWay(former: Attachment): Promise<void> {
    const key = attachmentKey(former);
    return this.#removals.take(key, () => this.#unwire(podDevice(key)));
  }

  /** A retried ADD finds its wire, whole or not. */
  async #wire(link: PodLink, isNew: boolean): Promise<void> {
    const { run } = this.#parts;
    if (!isNew) {
      if ((await podWireFaults(run, link)).length === 0) return;
      await this.#unwire(link.device);
    }
    await wirePod(run, link);
  }

  #unwire(device: string): Promise<void> {
    const { run, deletions } = this.#parts;
    return unwirePod(run, device, deletions);
  }

  #remove(attachment: Attachment): Promise<void> {
    const { ipam, run, lan } = this.#parts;
    const key = attachmentKey(attachment);
    return this.#removals.take(key, async () => {
      const bindings = ipam.of(attachment);
      for (const address of underlayOf(bindings)) await stopAnswering(run, lan().device, address);
      await this.#wiring(() => this.#unwire(podDevice(key)));
      await ipam.release(attachment);
    });
  }

  async #answer(address: string): Promise<void> {
    const { run, lan, clock, log } = this.#parts;
    const { announced } = await answerFor(run, lan().device, address, { clock, signal: this.#signal });
    void announced.then(({ error }) => {
      if (error !== undefined)
        log.warn({ event: "not-announced", address }, `the LAN was not told of ${address}: ${error}`);
    });
  }

  /** What the runtime says of the pod, and what the cluster knows of it. */
  async #factsOf({ attachment, args }: Attached): Promise<AskedFacts> {
    const { K8S_POD_NAMESPACE: namespace, K8S_POD_NAME: name, K8S_POD_UID: uid } = args;
    const { sandbox } = attachment;
    const plain = (of: { readonly namespace: string; readonly name: string }): PodFacts => {
      return { pod: { ...of, uid: uid ?? sandbox }, annotations: {}, namespaceAnnotations: {} };
    };
    if (namespace === undefined || name === undefined) return plain({ namespace: "default", name: sandbox });
    // Of a pod that has addresses nothing more needs to be known, be it by another sandbox.
    const known = this.#parts.ipam.podOf(attachment, uid === undefined ? undefined : { namespace, name, uid });
    if (known !== undefined) return known;
    const directory = this.#parts.directory();
    if (directory === undefined) {
      throw new MeshError("pod-unknown", `nothing is known of pod ${namespace}/${name} before the store was there`, {
        retry: true,
      });
    }
    const facts = await directory.find(namespace, name, uid);
    if (facts === undefined) return plain({ namespace, name });
    if (uid === undefined || facts.pod.uid === uid) return facts;
    throw new MeshError(
      "pod-unknown",
      `pod ${namespace}/${name} is known as ${facts.pod.uid}, and the runtime starts ${uid}: one of them is late`,
      { retry: true },
    );
  }

  #linkOf(attachment: Attachment, netns: string, bindings: readonly Binding[]): PodLink {
    return {
      device: podDevice(attachmentKey(attachment)),
      alias: podAlias(attachment),
      netns,
      interface: attachment.interface,
      addresses: bindings.map(({ address }) => address),
      mtu: this.#parts.lan().podMtu,
    };
  }
}

function wireAnswer({ device, netns, interface: name, mtu, addresses }: PodLink): PodWire {
  const nextHops = addresses.map((address) => ({ address, nextHop: POD_NEXT_HOP[familyOf(address)] }));
  return { device, ...podMacs(device), interface: name, netns, mtu, addresses: nextHops };
}

function sayOfOthers({ spec: { address, pod, node } }: IPInstance): string {
  return `${address} is of pod ${pod.namespace}/${pod.name}${node === undefined ? "" : ` on node ${node}`} by now`;
}

function underlayOf(bindings: readonly Binding[]): string[] {
  return bindings.flatMap(({ type, address }) => (type === "Underlay" ? [address] : []));
}
