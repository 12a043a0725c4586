import { z } from "zod";
import { bitsOf, familyOf, formatCidr, parseCidr } from "../mesh/cidr.ts";
import { readName } from "../mesh/names.ts";
import { readCidr } from "../mesh/typed-cidr.ts";
import { MAX_SITES } from "./addressing.ts";
import { readPodOwner } from "./pod-owner.ts";

/**
 * The lab file: which clusters, machines, pods and links a lab is made of. What the lab can't do yet is refused here,
 * in so many words, never ignored.
 */

const name = z.string().superRefine((text, context) => {
  const { refusal } = readName(text);
  if (refusal) context.addIssue({ code: "custom", message: refusal.message });
});

const cidr = z.string().transform((typed, context) => {
  const { value, refusal } = readCidr(typed);
  if (refusal === undefined) return formatCidr(value);
  context.addIssue({ code: "custom", message: refusal.message });
  return z.NEVER;
});

/** A LAN's ranges: a CIDR, or a list of one a family. Read as a list, IPv4 first. */
const lan = z.preprocess(
  (typed: unknown): unknown => (Array.isArray(typed) ? typed : [typed]),
  z
    .array(cidr)
    .min(1, "name a range, or one of each family")
    .refine((cidrs) => isDistinct(cidrs.map(familyOf)), "a LAN has at most one range of each family")
    .transform((cidrs) => cidrs.toSorted((a, b) => familyOf(a) - familyOf(b))),
);

function isDistinct(list: readonly unknown[]): boolean {
  return new Set(list).size === list.length;
}

const words = z.record(z.string(), z.string());

const pool = z
  .strictObject({ name, cidr, clusterPrefixLength: z.int() })
  .superRefine(({ cidr: range, clusterPrefixLength }, context) => {
    const { length, family } = parseCidr(range);
    if (clusterPrefixLength >= length && clusterPrefixLength <= bitsOf(family) - 6) return;
    const message = `a cluster's block of /${clusterPrefixLength} does not fit: use ${length} (all of ${range}) to ${bitsOf(family) - 6}`;
    context.addIssue({ code: "custom", path: ["clusterPrefixLength"], message });
  });

const openPort = z.string().regex(/^(tcp|udp)\/[1-9]\d{0,4}$/, "write a port as tcp/80 or udp/53");

const node = z.strictObject({
  name,
  gateway: z.boolean().default(false),
  /** Instead of the cluster's: another net of the site, behind the same router. */
  lan: lan.optional(),
  /** What other clusters' gateways dial instead of its LAN addresses. */
  endpoint: z.array(z.union([z.ipv4(), z.ipv6(), z.hostname()], "use IP addresses or DNS names")).default([]),
  /** Of its mesh addresses, for linked clusters. */
  openPorts: z.array(openPort).default([]),
  /** Of its Node, which Networks and Subnets select nodes by. */
  labels: words.default({}),
});

const pod = z.strictObject({
  name,
  node: name,
  /** Kubernetes namespace it plays to be in. */
  namespace: name.default("default"),
  /** What it plays to be a part of. */
  owner: z
    .string()
    .refine((text) => readPodOwner(text) !== undefined, "write an owner as StatefulSet/web")
    .optional(),
  annotations: words.default({}),
});

const cluster = z.strictObject({
  name: name.refine(
    (text) => text !== "hub" && text !== "wan",
    "hub and wan are places of every lab; name the cluster otherwise",
  ),
  runtime: z
    .string()
    .refine(
      (kind) => kind === "embedded",
      "only the runtime embedded is here yet; kubernetes comes with a later release",
    )
    .default("embedded"),
  /** Of its pods; those of its machines are what `lan` has. */
  families: z
    .array(z.literal([4, 6], "a family is 4 or 6"))
    .min(1, "pods need a family: 4, 6 or both")
    .refine(isDistinct, "name each family once")
    .transform((families) => families.toSorted((a, b) => a - b))
    .default([4]),
  lan,
  /** What it may announce beside its pods: parts of its LANs whose addresses are underlay pods'. */
  allowedCIDRs: z.array(cidr).default([]),
  /** Bytes, of the whole site. A pod gets 80 less, which must leave the 1280 of RFC 8200. */
  mtu: z.int().min(1360).max(9000).default(1500),
  /** The site's router masquerades. */
  nat: z.boolean().default(false),
  labels: words.default({}),
  nodes: z.array(node).min(1, "a cluster needs at least one node"),
  pods: z.array(pod).default([]),
});

const names = z.array(name).min(1, "name at least one cluster");

const link = z.strictObject({
  name,
  clusters: z.array(name).min(2, "a full mesh needs at least two clusters").optional(),
  selector: words.optional(),
  from: names.optional(),
  to: names.optional(),
  tunnel: z.literal(["wireguard", "vxlan"], "a tunnel is wireguard or vxlan").default("wireguard"),
  /** Bytes: known path MTU between the sites. */
  mtu: z.int().min(1280).max(9000).optional(),
});

export const labFile = z.strictObject({
  hub: z.strictObject({}).default({}),
  pools: z.array(pool).min(1, "clusters get their pod CIDRs from a pool: name one"),
  clusters: z
    .array(cluster)
    .min(1, "a lab needs at least one cluster")
    .max(MAX_SITES, `a lab has room for ${MAX_SITES} clusters`),
  links: z.array(link).default([]),
});

export type LabFile = z.infer<typeof labFile>;
export type LabCluster = LabFile["clusters"][number];
export type LabNode = LabCluster["nodes"][number];
export type LabLink = LabFile["links"][number];

/** Names of the clusters that a label selector of the file picks. */
export function selectClusters(file: LabFile, selector: Readonly<Record<string, string>>): string[] {
  const wanted = Object.entries(selector);
  return file.clusters
    .filter(({ labels }) => wanted.every(([key, value]) => labels[key] === value))
    .map((found) => found.name);
}

/** Every ordered pair of clusters that a link of the file lets talk, as `from>to`. */
export function linkedPairs(file: LabFile): Set<string> {
  return new Set(file.links.flatMap((link) => pairsOfLink(file, link)).map(({ from, to }) => `${from}>${to}`));
}

/** Every ordered pair of clusters that one link lets talk. */
export function pairsOfLink(
  file: LabFile,
  { clusters, selector, from = [], to = [] }: LabLink,
): { readonly from: string; readonly to: string }[] {
  const members = clusters ?? (selector ? selectClusters(file, selector) : undefined);
  const pairs = members
    ? members.flatMap((a) => members.map((b) => ({ from: a, to: b })))
    : from.flatMap((a) =>
        to.flatMap((b) => [
          { from: a, to: b },
          { from: b, to: a },
        ]),
      );
  return pairs.filter((pair) => pair.from !== pair.to);
}
