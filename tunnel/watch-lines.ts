import { familyOf } from "../mesh/cidr.ts";
import type { ObservedRoute } from "./routes/observe.ts";
import type { Hop, Nexthop, RouteTarget } from "./state.ts";

/**
 * What the monitors print of one thing, read only as far as it is of a form that we write ourselves. Undefined: of any
 * other. The texts are those of iproute2 6.1 and nftables 1.0.6.
 */

/** Words that follow a word. */
type Fields = ReadonlyMap<string, string>;

/** `10.2.0.0/16 nhid 5000 proto 174 src 10.1.0.1 mtu 1380 \ nexthop dev trs0-0 weight 1` */
export function readRoute(text: string): ObservedRoute | undefined {
  const [head = "", ...tails] = text.split("\\").map((part) => part.trim());
  const isUnreachable = head.startsWith("unreachable ");
  const [dst = "", ...words] = (isUnreachable ? head.slice("unreachable ".length) : head).split(" ");
  const fields = readFields(words, ROUTE_WORDS);
  // A colon or a dot: a destination, not a type or "default".
  if (fields === undefined || !/^[\da-f.:]+(\/\d+)?$/.test(dst)) return undefined;
  const target = isUnreachable ? ({ kind: "unreachable" } as const) : targetOf(fields, tails);
  if (target === undefined) return undefined;
  return {
    prefix: dst.includes("/") ? dst : `${dst}/${dst.includes(":") ? 128 : 32}`,
    target,
    src: fields.get("src"),
    metric: numberIn(fields, "metric"),
    mtu: numberIn(fields, "mtu"),
  };
}

/** `id 4300 via 10.3.0.1 dev trsvx scope link proto 174 onlink`, `id 5000 group 4000/4300 proto 174` */
export function readNexthop(text: string): Nexthop | undefined {
  const fields = readFields(text.trim().split(" "), NEXTHOP_WORDS);
  const id = fields && numberIn(fields, "id");
  if (fields === undefined || id === undefined) return undefined;
  const [group, via, device] = [fields.get("group"), fields.get("via"), fields.get("dev")];
  if (group !== undefined) return /^\d+(\/\d+)*$/.test(group) ? { id, group: group.split("/").map(Number) } : undefined;
  if (device === undefined) return undefined;
  // Of one without router the line does not tell the family; nobody can change it in place.
  const family = via === undefined ? 4 : familyOf(via);
  return { id, family, device, ...(via !== undefined && { via }), ...(fields.has("onlink") && { onlink: true }) };
}

/** A neighbour, or an fdb entry, which ip prints with its endpoint for an address; `state` in words. */
export interface EntryLine {
  readonly address: string;
  readonly device: string;
  readonly mac: string | undefined;
  readonly state: string;
}

/** `10.3.0.1 dev trsvx lladdr 02:00:00:00:03:00 PERMANENT` */
export function readEntry(text: string): EntryLine | undefined {
  const match = /^([\da-f.:]+) dev (\S+) (?:lladdr ([\da-f:]+) )?([A-Z ]+?)\s*$/.exec(text);
  const [, address, device, mac, state] = match ?? [];
  return address === undefined || device === undefined || state === undefined
    ? undefined
    : { address, device, mac, state };
}

const ROUTE_WORDS: ReadonlySet<string> = new Set("nhid via dev proto scope src metric mtu pref weight".split(" "));
const NEXTHOP_WORDS: ReadonlySet<string> = new Set(["id", "group", "via", "dev", "proto", "scope"]);

/** Undefined when there is a word that we would not write: a state (`dead`), another table, an option. */
function readFields(words: readonly string[], known: ReadonlySet<string>): Fields | undefined {
  const fields = new Map<string, string>();
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? "";
    if (word === "onlink") fields.set(word, word);
    else if (!known.has(word) || words[at + 1] === undefined) return undefined;
    else fields.set(word, words[(at += 1)] ?? "");
  }
  return fields;
}

function numberIn(fields: Fields, word: string): number | undefined {
  const text = fields.get(word);
  return text === undefined ? undefined : Number(text);
}

function targetOf(fields: Fields, tails: readonly string[]): RouteTarget | undefined {
  const id = numberIn(fields, "nhid");
  // What follows are the nexthop's own, of which lines of their own tell.
  if (id !== undefined) return { kind: "nexthop", id };
  const device = fields.get("dev");
  if (tails.length === 0 && !fields.has("via")) return device === undefined ? undefined : { kind: "device", device };
  const hops = tails.length === 0 ? [hopOf(fields)] : tails.map(hopIn);
  return hops.every((hop) => hop !== undefined) ? { kind: "multipath", hops } : undefined;
}

function hopIn(tail: string): Hop | undefined {
  const [word, ...words] = tail.split(" ");
  const fields = word === "nexthop" ? readFields(words, ROUTE_WORDS) : undefined;
  return fields?.get("weight") === "1" ? hopOf(fields) : undefined;
}

function hopOf(fields: Fields): Hop | undefined {
  const [via, device] = [fields.get("via"), fields.get("dev")];
  return via === undefined || device === undefined
    ? undefined
    : { via, device, ...(fields.has("onlink") && { onlink: true }) };
}
