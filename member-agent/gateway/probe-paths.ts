import { isDeepStrictEqual } from "node:util";
import { addressPart, familyOf } from "../../mesh/cidr.ts";
import { healthAddress } from "../../mesh/mesh-prefix.ts";
import type { Family, TunnelKind } from "../../mesh/resources.ts";
import type { Wire } from "../mtu.ts";
import { wireOf } from "../mtu.ts";
import type { OwnGateway, Remote, Situation } from "../situation.ts";
import { farEnds } from "./vxlan-plan.ts";

/** One kind of tunnel between this gateway and one of a linked cluster. */
export interface ProbePath {
  readonly cluster: string;
  readonly rank: number;
  readonly kind: TunnelKind;
  /** Health addresses, this gateway's and theirs, for that kind. */
  readonly from: string;
  readonly to: string;
  /** The kind that packets to that cluster leave by, and the one that the link asks for. */
  readonly sends: TunnelKind;
  readonly wants: TunnelKind;
  /** Milliseconds between probes; absent: the path is not probed, only answered. */
  readonly everyMs?: number | undefined;
}

const CHANGING_MS = 200;
const CHANGED_MS = 1_000;
const SETTLED_MS = 5_000;

/** Where a gateway stands: all that its paths to a linked cluster depend on but that cluster. */
interface Vantage {
  readonly own: Pick<OwnGateway, "rank" | "behindNAT">;
  readonly wire: Wire;
  readonly meshPrefixes: readonly string[];
}

/**
 * Tells every path by which this gateway takes packets. It has a memory: the paths of a linked cluster that is the same object as before are the same
 * objects again.
 */
export function probePathPlanner(): (
  situation: Pick<Situation, "gateway" | "self" | "remotes" | "lan">,
) => readonly ProbePath[] {
  let vantage: Vantage | undefined;
  let known = new WeakMap<Remote, readonly ProbePath[]>();
  return ({ gateway, self, remotes, lan }) => {
    if (gateway === undefined) return [];
    const { rank, behindNAT } = gateway;
    const now = { own: { rank, behindNAT }, wire: wireOf(lan), meshPrefixes: self.meshPrefixes };
    if (!isDeepStrictEqual(now, vantage)) known = new WeakMap();
    vantage = now;
    return remotes.flatMap((remote) => {
      const paths = known.get(remote) ?? pathsTo(remote, now);
      known.set(remote, paths);
      return paths;
    });
  };
}

function pathsTo(remote: Remote, { own, wire, meshPrefixes }: Vantage): readonly ProbePath[] {
  const family = probedFamily(meshPrefixes, remote.meshPrefixes);
  const [ours, theirs] = [meshPrefixes, remote.meshPrefixes].map((list) =>
    list.find((one) => familyOf(one) === family),
  );
  if (ours === undefined || theirs === undefined) return [];
  const { name: cluster, sends, tunnel: wants, accepts } = remote;
  return accepts.flatMap((kind) => {
    const from = addressPart(healthAddress(ours, own.rank, kind));
    const everyMs = paceOf(remote, kind);
    return ranksBy(kind, remote, own, wire).map((rank) => {
      const to = addressPart(healthAddress(theirs, rank, kind));
      return { cluster, rank, kind, from, to, sends, wants, everyMs };
    });
  });
}

/**
 * The gateways that a kind of tunnel leads to. The health address of another is of that cluster all the same, and so a
 * probe would get there by the other kind, and prove what is not there.
 */
function ranksBy(kind: TunnelKind, remote: Remote, { behindNAT }: Vantage["own"], wire: Wire): number[] {
  if (kind === "WireGuard") return remote.gateways.map(({ rank }) => rank);
  return behindNAT ? [] : farEnds(remote, wire).map(({ gateway }) => gateway.rank);
}

/** WireGuard says by its own keepalives whether it is well, as long as nothing is to be changed. */
function paceOf({ accepts, sends, tunnel }: Remote, kind: TunnelKind): number | undefined {
  if (sends !== tunnel) return CHANGING_MS;
  if (accepts.length > 1) return CHANGED_MS;
  return kind === "VXLAN" ? SETTLED_MS : undefined;
}

/**
 * Of whose health addresses the tunnels to a linked cluster are proven: one family suffices, for a tunnel carries both;
 * IPv4 where both sides have it.
 * @param ours mesh prefixes, or addresses of them
 */
export function probedFamily(ours: readonly string[], theirs: readonly string[]): Family | undefined {
  return ([4, 6] as const).find((family) =>
    [ours, theirs].every((list) => list.some((text) => familyOf(text) === family)),
  );
}
