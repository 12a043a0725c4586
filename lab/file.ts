import { z } from "zod";
import { bitsOf, formatCidr, parseCidr } from "../mesh/cidr.ts";
import { readName } from "../mesh/names.ts";
import { readCidr } from "../mesh/typed-cidr.ts";

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
  if (refusal === undefined && value.family === 4) return formatCidr(value);
  context.addIssue({
    code: "custom",
    message: refusal?.message ?? `${typed} is IPv6, which comes to the lab with a later release`,
  });
  return z.NEVER;
});

const words = z.record(z.string(), z.string());

const pool = z
  .strictObject({ name, cidr, clusterPrefixLength: z.int() })
  .superRefine(({ cidr: range, clusterPrefixLength }, context) => {
    const { length, family } = parseCidr(range);
    if (clusterPrefixLength >= length && clusterPrefixLength <= bitsOf(family) - 6) return;
    const message = `a cluster's block of /${clusterPrefixLength} does not fit: use ${length} (all of ${range}) to ${bitsOf(family) - 6}`;
    context.addIssue({ code: "custom", path: ["clusterPrefixLength"], message });
  });

const node = z.strictObject({ name, gateway: z.boolean().default(false) });

const annotations = words.superRefine((given, context) => {
  for (const key of Object.keys(given).filter((annotation) => annotation.startsWith("trestle.dev/"))) {
    context.addIssue({
      code: "custom",
      path: [key],
      message: `${key}: choosing networks and addresses comes to the lab with a later release`,
    });
  }
});

const pod = z.strictObject({ name, node: name, annotations: annotations.default({}) });

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
  families: z
    .array(z.int())
    .refine(
      (families) => families.join() === "4",
      "only families: [4] is here yet; IPv6 comes to the lab with a later release",
    )
    .default([4]),
  lan: cidr,
  /** Bytes, of the whole site. A pod gets 80 less, which must leave the 1280 of RFC 8200. */
  mtu: z.int().min(1360).max(9000).default(1500),
  nat: z
    .boolean()
    .refine((nat) => !nat, "a site behind NAT comes with a later release; leave nat out")
    .default(false),
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
  tunnel: z
    .string()
    .refine((kind) => kind === "wireguard", "only the tunnel wireguard is here yet; vxlan comes with a later release")
    .default("wireguard"),
  /** Bytes: known path MTU between the sites. */
  mtu: z.int().min(1280).max(9000).optional(),
});

export const labFile = z.strictObject({
  hub: z.strictObject({}).default({}),
  pools: z.array(pool).min(1, "clusters get their pod CIDRs from a pool: name one"),
  clusters: z.array(cluster).min(1, "a lab needs at least one cluster"),
  links: z.array(link).default([]),
});

export type LabFile = z.infer<typeof labFile>;
export type LabCluster = LabFile["clusters"][number];
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
  return new Set(
    file.links.flatMap(({ clusters, selector, from = [], to = [] }) => {
      const members = clusters ?? (selector ? selectClusters(file, selector) : undefined);
      if (members !== undefined) return members.flatMap((a) => members.filter((b) => b !== a).map((b) => `${a}>${b}`));
      return from.flatMap((a) => to.filter((b) => b !== a).flatMap((b) => [`${a}>${b}`, `${b}>${a}`]));
    }),
  );
}
