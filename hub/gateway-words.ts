import { sortOutGateways } from "../mesh/gateway-record.ts";
import type { RefusedGateway } from "../mesh/gateway-record.ts";
import type { Cluster, ClusterStatus, Condition, GatewayRecord } from "../mesh/resources.ts";

/** What is taken over of what a member says of its gateways, and said of the rest. */

const ACCEPTED = "GatewaysAccepted";
/** As many are told in full: a member may send thousands. */
const TOLD = 3;

/** Pure: the gateways that others are told of, and the conditions with what is said of those that they are not. */
export function acceptGateways(
  name: string,
  before: ClusterStatus,
  {
    said,
    clusters,
    now,
  }: {
    readonly said: readonly GatewayRecord[];
    /** Everybody in the mesh. */
    readonly clusters: readonly Cluster[];
    /** RFC 3339. */
    readonly now: string;
  },
): Pick<ClusterStatus, "gateways" | "conditions"> {
  const { kept, refused } = sortOutGateways(said, holderOfKey(name, before, clusters));
  const others = before.conditions.filter(({ type }) => type !== ACCEPTED);
  const last = before.conditions.find(({ type }) => type === ACCEPTED);
  if (refused.length === 0 && last === undefined) return { gateways: kept, conditions: others };
  const verdict = refused.length === 0 ? ALL_ACCEPTED : refusalOf(refused);
  const lastTransitionTime = last?.status === verdict.status ? last.lastTransitionTime : now;
  return { gateways: kept, conditions: [...others, { type: ACCEPTED, ...verdict, lastTransitionTime }] };
}

/** The other cluster whose key it is. Who had it first keeps it; of two that were as fast, the one with the lower number. */
function holderOfKey(
  name: string,
  { number = Infinity, gateways }: ClusterStatus,
  clusters: readonly Cluster[],
): (publicKey: string) => string | undefined {
  return (publicKey) => {
    const isTheirs = (one: GatewayRecord): boolean => one.publicKey === publicKey;
    const hadIt = gateways.some(isTheirs);
    return clusters.find(
      ({ metadata, status }) =>
        metadata.name !== name && status.gateways.some(isTheirs) && !(hadIt && number < (status.number ?? Infinity)),
    )?.metadata.name;
  };
}

type Verdict = Pick<Condition, "status" | "reason" | "message">;

const ALL_ACCEPTED: Verdict = {
  status: "True",
  reason: "AllAccepted",
  message: "peers are told of every gateway that it names",
};

function refusalOf(refused: readonly RefusedGateway[]): Verdict {
  const told = refused.slice(0, TOLD).map(({ refusal }) => refusal.message);
  const more = refused.length > TOLD ? `; and ${refused.length - TOLD} more` : "";
  return {
    status: "False",
    reason: "GatewayRefused",
    message: `peers are not told of all its gateways: ${told.join("; ")}${more}`,
  };
}
