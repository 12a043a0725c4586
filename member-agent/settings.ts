import { z } from "zod";
import { readName, readNodeName } from "../mesh/names.ts";
import type { Checked } from "../mesh/refusal.ts";
import { commaList } from "../platform/config.ts";
import type { OpenPort } from "../tunnel/state.ts";
import { readEndpoint } from "./endpoint.ts";

/** A name that mesh accepts, with its own words when it does not. */
function named(read: (text: string) => Checked<string>) {
  return z.string().superRefine((text, context) => {
    const { refusal } = read(text);
    if (refusal !== undefined) context.addIssue({ code: "custom", message: refusal.message });
  });
}

/** `tcp/9100` */
const openPort = z.string().transform((text, context): OpenPort => {
  const [, protocol, digits] = /^(tcp|udp)\/(\d{1,5})$/.exec(text) ?? [];
  const port = Number(digits);
  if (protocol !== undefined && port >= 1 && port <= 65_535)
    return { protocol: protocol as OpenPort["protocol"], port };
  context.addIssue({ code: "custom", message: `${text} is not a port; write it as tcp/9100 or udp/53` });
  return z.NEVER;
});

/** `192.0.2.7`, `2001:db8::7` or `gw.example.org`, in canonical text. */
const endpoint = z.string().transform((text, context): string => {
  const { value, fault } = readEndpoint(text);
  if (value !== undefined) return value;
  context.addIssue({ code: "custom", message: fault });
  return z.NEVER;
});

/** `site=berlin`; what follows the first `=` is the value. */
const label = z.string().transform((text, context): readonly [string, string] => {
  const at = text.indexOf("=");
  if (at > 0) return [text.slice(0, at), text.slice(at + 1)];
  context.addIssue({ code: "custom", message: `${text} is not a label; write it as KEY=VALUE` });
  return z.NEVER;
});

/**
 * The plugin finds it in its network configuration, of which it reads no escapes, and which runtimes write anew: Go's JSON
 * escapes <, > and & as well. 107 bytes: sun_path of unix(7), with its NUL.
 */
const cniSocket = z
  .string()
  .regex(
    /^\/[\w./@%+=:,~-]{0,106}$/,
    "can't be told to the plugin; write an absolute path of at most 107 characters, letters, digits and ./@%+=:,~_- alone",
  );

/** What `trestle agent` is told by flags and `TRESTLE_*`. */
export const agentSettings = z.object({
  cluster: named(readName),
  node: named(readNodeName),
  roles: commaList(z.enum(["gateway", "node"], "is not a role; roles are gateway and node")).default(["node"]),
  /** Access file of the cluster's own store. */
  store: z.string().min(1),
  /** State folder. */
  state: z.string().min(1),
  /** Interface to the other nodes; absent: the one of the default route. */
  lanDevice: z.string().optional(),
  /** Addresses and DNS names that other clusters' gateways dial, the preferred one first; empty: the LAN addresses. */
  endpoint: commaList(endpoint).default([]),
  /** This gateway can't be dialled, unless an endpoint is given: it dials the others. WireGuard only. */
  behindNat: z.union([z.boolean(), z.stringbool()], "is true or false").default(false),
  /** Ports on this node's mesh addresses that linked clusters may reach, as `tcp/9100`. */
  openPort: commaList(openPort).default([]),
  /** Of this machine's Node, as `site=berlin`: what Networks and Subnets select by. */
  label: commaList(label)
    .default([])
    .transform((pairs): Readonly<Record<string, string>> => Object.fromEntries<string>(pairs)),
  /** First of the UDP ports WireGuard listens on, one a remote rank. */
  wireguardPort: z.coerce.number().int().min(1024).max(65_000).default(51_820),
  /** Unix socket at which the CNI plugin asks; absent: this node's pods are another CNI's. */
  cniSocket: cniSocket.optional(),
  /** Folder of the runtime's network configurations; absent: somebody else tells the runtime of the plugin. */
  cniConfDir: z.string().startsWith("/", "is no absolute path").optional(),
  /** `address:port` of /healthz and /readyz; absent: neither is served. */
  healthListen: z.string().optional(),
});
export type AgentSettings = z.infer<typeof agentSettings>;
