import { parseAddress } from "../cidr.ts";
import type { Checked, Refusal } from "../refusal.ts";
import { refuse } from "../refusal.ts";
import { ANNOTATIONS } from "./annotations.ts";
import type { Wish } from "./annotations.ts";
import type { NodeAddresses } from "./node-addresses.ts";
import type { Network, Subnet } from "./resources.ts";
import { selectorText, selects } from "./selector.ts";
import { addressInSpan, spanOfSubnet } from "./span.ts";

/** The Network of pods that choose none, where there are several; as `"true"` on one Network. */
export const DEFAULT_NETWORK = "trestle.dev/default-network";

/** What there is to choose from, seen from the pod's node. */
export interface Choices {
  readonly networks: readonly Network[];
  readonly subnets: readonly Subnet[];
  readonly node: { readonly name: string; readonly labels: Readonly<Record<string, string>> };
  /** Of every node of the cluster. */
  readonly nodeAddresses: NodeAddresses;
}

/** The Network that the wish names, or that what it names belongs to, or of its type, or the default. */
export function chooseNetwork(wish: Wish, choices: Choices): Checked<Network> {
  const { networks, node } = choices;
  const found = namedNetwork(wish, choices) ?? networkByType(wish, choices) ?? defaultNetwork(choices);
  if (found.refusal !== undefined) return found;
  const { metadata, spec } = found.value;
  if (wish.network !== undefined && wish.network !== metadata.name) {
    const stated = networks.find((each) => each.metadata.name === wish.network);
    if (stated === undefined) return unknownNetwork(wish.network, networks);
    return contradiction(
      `${ANNOTATIONS.subnet} is of Network "${metadata.name}", ${ANNOTATIONS.network} says "${wish.network}"`,
    );
  }
  if (wish.type !== undefined && wish.type !== spec.type) {
    return contradiction(`Network "${metadata.name}" is an ${spec.type}, ${ANNOTATIONS.networkType} says ${wish.type}`);
  }
  return selects(spec.nodeSelector, node.labels)
    ? found
    : refuse(
        "wrong-node",
        `Network "${metadata.name}" is for nodes with ${selectorText(spec.nodeSelector)}, and node "${node.name}" is none of them`,
      );
}

function namedNetwork(wish: Wish, { networks, subnets }: Choices): Checked<Network> | undefined {
  const [first] = wish.subnets;
  const subnet = first === undefined ? undefined : subnets.find(({ metadata }) => metadata.name === first);
  const name = subnet?.spec.network ?? wish.network;
  if (name === undefined) return undefined;
  const network = networks.find(({ metadata }) => metadata.name === name);
  return network === undefined ? unknownNetwork(name, networks) : { value: network };
}

function networkByType({ type, addresses }: Wish, { networks, subnets, node }: Choices): Checked<Network> | undefined {
  const [address] = addresses;
  const home = address === undefined ? undefined : subnets.find((subnet) => holds(subnet, address));
  const network = networks.find(({ metadata }) => metadata.name === home?.spec.network);
  if (network !== undefined) {
    if (type === undefined || network.spec.type === type) return { value: network };
    const { metadata, spec } = network;
    return contradiction(
      `${ANNOTATIONS.ip} ${address} is of Network "${metadata.name}", an ${spec.type}, ${ANNOTATIONS.networkType} says ${type}`,
    );
  }
  if (type === undefined) return undefined;
  const here = networks.find(({ spec }) => spec.type === type && selects(spec.nodeSelector, node.labels));
  return here === undefined
    ? refuse("unknown-network", `node "${node.name}" is in no ${type} Network`)
    : { value: here };
}

function defaultNetwork({ networks, node }: Choices): Checked<Network> {
  const marked = networks.filter(({ metadata }) => metadata.annotations[DEFAULT_NETWORK] === "true");
  const overlay = networks.find(({ spec }) => spec.type === "Overlay");
  const [only, second] = marked;
  if (only !== undefined && second !== undefined) {
    const names = marked.map(({ metadata }) => metadata.name).join(", ");
    return refuse("bad-spec", `several Networks are the default: ${names}; take ${DEFAULT_NETWORK} off all but one`);
  }
  const network = only ?? overlay ?? networks.find(({ spec }) => selects(spec.nodeSelector, node.labels));
  return network === undefined
    ? refuse("unknown-network", `node "${node.name}" is in no Network; create one with "trestle network create"`)
    : { value: network };
}

/** True when the address lies in the range that the Subnet issues from. */
export function holds({ spec }: Subnet, text: string): boolean {
  return addressInSpan(spanOfSubnet(spec), parseAddress(text));
}

export function contradiction(what: string): { readonly refusal: Refusal } {
  return refuse("contradiction", `the annotations contradict each other: ${what}`);
}

function unknownNetwork(name: string, networks: readonly Network[]): { readonly refusal: Refusal } {
  const known = networks.map(({ metadata }) => metadata.name).join(", ") || "none";
  return refuse("unknown-network", `there is no Network "${name}"; there are: ${known}`);
}
