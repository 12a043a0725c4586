import type { Json } from "./firewall/expressions.ts";
import { elementsBySet, setsOf } from "./firewall/sets.ts";
import { NFT_TABLE } from "./marks.ts";
import { nexthopArguments } from "./nexthops/plan.ts";
import { routeKey } from "./routes/plan.ts";
import { sameRoute } from "./routes/text.ts";
import type { DataPath } from "./state.ts";
import { wantedTables } from "./vxlan/plan.ts";
import { readEntry, readNexthop, readRoute } from "./watch-lines.ts";

/** Whether a line of the monitors is about a thing that is as it shall be. */
export type SaysHeld = (line: string) => boolean;

/**
 * Tells the echo of our own changes from others': a line that says no more than what the kernel is to hold, a thing that
 * is as wanted or one that is not wanted and gone, is no news, whoever did it. So nothing has to be remembered of what we
 * did, and when. Whatever is not understood for certain is news: links, addresses, foreign options, other tables. So is,
 * to no harm, a route that changes together with its group: it is told once as it was (nexthop_compat_mode).
 * @param want what the kernel was last told to hold, from before it is told on: of two syncs the later one counts, whose
 *   steps put right what came in between or fail
 */
export function heldLines(want: DataPath): SaysHeld {
  let ready: readonly (readonly [RegExp, (text: string, isGone: boolean) => boolean])[] | undefined;
  return (line) => {
    // Thousands of routes: only where there is a line at all.
    ready ??= [
      [/^id /, nexthopsOf(want)],
      [/^\S+ dev \S+ .*[A-Z]\s*$/, entriesOf(want)],
      [/^(unreachable )?[\da-f]*[.:]/, routesOf(want)],
      [ELEMENT, elementsOf(want)],
    ];
    const isGone = line.startsWith("Deleted ");
    const text = isGone ? line.slice("Deleted ".length) : line;
    return ready.find(([form]) => form.test(text))?.[1](text, isGone) ?? false;
  };
}

function routesOf({ routes }: DataPath): (text: string, isGone: boolean) => boolean {
  const wanted = new Map(routes.map((route) => [routeKey(route), route]));
  return (text, isGone) => {
    const route = readRoute(text);
    if (route === undefined) return false;
    const present = wanted.get(routeKey(route));
    return isGone ? present === undefined : present !== undefined && sameRoute(route, present);
  };
}

function nexthopsOf({ nexthops }: DataPath): (text: string, isGone: boolean) => boolean {
  const wanted = new Map(nexthops.map((nexthop) => [nexthop.id, nexthop]));
  return (text, isGone) => {
    const nexthop = readNexthop(text);
    if (nexthop === undefined) return false;
    const present = wanted.get(nexthop.id);
    if (isGone) return present === undefined;
    return present !== undefined && nexthopArguments(nexthop) === nexthopArguments(present);
  };
}

/** Neighbours and fdb entries of VXLAN devices. */
function entriesOf({ vxlan }: DataPath): (text: string, isGone: boolean) => boolean {
  const { fdb, neighbours } = wantedTables(vxlan);
  const endpoints = new Map(fdb.map(({ device, key, value }) => [`${device} ${key}`, value]));
  const macs = new Map(neighbours.map(({ device, key, value }) => [`${device} ${key}`, value]));
  return (text, isGone) => {
    const entry = readEntry(text);
    if (entry === undefined) return false;
    const { address, device, mac, state } = entry;
    if (state === "NOARP PERMANENT") {
      const endpoint = endpoints.get(`${device} ${mac}`);
      return isGone ? endpoint === undefined : endpoint === address;
    }
    const wanted = macs.get(`${device} ${address}`);
    // The kernel says FAILED of a neighbour before it deletes it.
    return isGone || state === "FAILED" ? wanted === undefined : state === "PERMANENT" && wanted === mac;
  };
}

/** What `nft monitor destroy` prints of an element: `delete element inet trestle remote4 { 10.2.0.0/16 }` */
const ELEMENT = new RegExp(`^delete element inet ${NFT_TABLE} (\\S+) \\{ (\\S+(?: \\. \\S+)*) \\}\\s*$`);

function elementsOf({ firewall }: DataPath): (text: string) => boolean {
  const sets = firewall && elementsBySet(setsOf(firewall));
  return (text) => {
    const [, set = "", spelled = ""] = ELEMENT.exec(text) ?? [];
    const parts = spelled.split(" . ").map(readPart);
    if (parts.some((part) => part === undefined)) return false;
    const element = parts.length === 1 ? parts[0] : { concat: parts };
    return sets?.get(set)?.has(JSON.stringify(element)) === false;
  };
}

/** An address, a prefix, a MAC address or a port, as libnftables-json(5) has it; a range or a word is none of ours. */
function readPart(text: string): Json | undefined {
  if (/^\d+$/.test(text)) return Number(text);
  const [, addr, length] = /^([\da-f.:]+)(?:\/(\d+))?$/.exec(text) ?? [];
  if (addr === undefined) return undefined;
  return length === undefined ? addr : { prefix: { addr, len: Number(length) } };
}
