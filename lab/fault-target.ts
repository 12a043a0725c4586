import { MeshError } from "../platform/errors.ts";

/** How the target of each kind is written. */
const FORMS = {
  hub: "hub",
  store: "store:CLUSTER",
  agent: "agent:CLUSTER/NODE",
  node: "node:CLUSTER/NODE",
  wan: "wan:CLUSTER",
  tunnel: "tunnel:CLUSTER/NODE",
} as const;

/** Those that need parts of later releases; `hub:N` is another. */
const LATER = ["nats", "reboot", "loss", "mtu"];

/** What `lab break` and `lab mend` are pointed at; names that the kind has not are empty. */
export interface FaultTarget {
  readonly kind: keyof typeof FORMS;
  readonly cluster: string;
  readonly node: string;
}

/** Reads a target as a person types it. @throws MeshError `bad-target` that says how to write it */
export function readFaultTarget(typed: string): FaultTarget {
  const colon = typed.indexOf(":");
  const kind = colon < 0 ? typed : typed.slice(0, colon);
  const names = colon < 0 ? [] : typed.slice(colon + 1).split("/");
  if (!isKind(kind) || (kind === "hub" && colon >= 0)) {
    const isLater = kind === "hub" || LATER.includes(kind);
    const said = isLater ? "comes with a later release" : "is nothing the lab can break";
    throw badTarget(`${typed} ${said}; there are ${Object.values(FORMS).join(", ")}`);
  }
  const wanted = FORMS[kind].split(/[:/]/).slice(1);
  if (names.length !== wanted.length || names.includes("")) {
    throw badTarget(`${typed} is not whole, or more than that; write it as ${FORMS[kind]}`);
  }
  const [cluster = "", node = ""] = names;
  return { kind, cluster, node };
}

function isKind(word: string): word is FaultTarget["kind"] {
  return Object.hasOwn(FORMS, word);
}

function badTarget(message: string): MeshError {
  return new MeshError("bad-target", message, { retry: false });
}
