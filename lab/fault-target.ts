import { MeshError } from "../platform/errors.ts";

/** How the target of each kind is written. */
const FORMS = {
  hub: "hub",
  store: "store:CLUSTER",
  agent: "agent:CLUSTER/NODE",
  node: "node:CLUSTER/NODE",
  wan: "wan:CLUSTER",
  tunnel: "tunnel:CLUSTER/NODE",
  mtu: "mtu:CLUSTER=BYTES[,silent]",
} as const;

/** Those that need parts of later releases; `hub:N` is another. */
const LATER = ["nats", "reboot", "loss"];

/** What `lab break` and `lab mend` are pointed at; names that the kind has not are empty. */
export interface FaultTarget {
  readonly kind: keyof typeof FORMS;
  readonly cluster: string;
  readonly node: string;
  /** Of `mtu`; absent where it was left out, as one may to mend it. */
  readonly limit?: PathLimit;
}

/** What a site's uplink lets through. */
export interface PathLimit {
  readonly bytes: number;
  /** Whoever sends more is not told (a black hole of RFC 2923). */
  readonly silent: boolean;
}

/** Reads a target as a person types it. @throws MeshError `bad-target` that says how to write it */
export function readFaultTarget(typed: string): FaultTarget {
  const [, kind = "", where, more] = /^([^:]*)(?::([^=]*)(?:=(.*))?)?$/s.exec(typed) ?? [];
  if (!isKind(kind) || (kind === "hub" && where !== undefined)) {
    const isLater = kind === "hub" || LATER.includes(kind);
    const said = isLater ? "comes with a later release" : "is nothing the lab can break";
    throw badTarget(`${typed} ${said}; there are ${Object.values(FORMS).join(", ")}`);
  }
  const names = where === undefined ? [] : where.split("/");
  const wanted = (FORMS[kind].split("=")[0] ?? "").split(/[:/]/).slice(1);
  const limit = kind === "mtu" ? readLimit(more) : undefined;
  if (names.length !== wanted.length || names.includes("") || (more !== undefined && limit === undefined)) {
    throw badTarget(`${typed} is not whole, or more than that; write it as ${FORMS[kind]}`);
  }
  const [cluster = "", node = ""] = names;
  return { kind, cluster, node, ...(limit !== undefined && { limit }) };
}

/** What two spellings of one fault have in common: `mtu:east=1400` and `mtu:east` are mended by either. */
export function faultKey(typed: string): string {
  return typed.split("=")[0] ?? typed;
}

function readLimit(text: string | undefined): PathLimit | undefined {
  const [, bytes, silent] = /^(\d{1,5})(,silent)?$/.exec(text ?? "") ?? [];
  return bytes === undefined ? undefined : { bytes: Number(bytes), silent: silent !== undefined };
}

function isKind(word: string): word is FaultTarget["kind"] {
  return Object.hasOwn(FORMS, word);
}

function badTarget(message: string): MeshError {
  return new MeshError("bad-target", message, { retry: false });
}
