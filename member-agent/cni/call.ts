import { z } from "zod";
import type { Attachment } from "../../mesh/ipam/resources.ts";
import { CNI_CODES, CNIError } from "./cni-error.ts";

/** Versions of the specification that configurations may be written in. */
export const CNI_VERSIONS = ["1.0.0", "1.1.0"] as const;
type CNIVersion = (typeof CNI_VERSIONS)[number];

/** What a runtime asks, parsed: see "Protocol parameters" and "CNI operations" of the specification. */
export type CNICall =
  | (Configured & { readonly command: "ADD"; readonly netns: string } & Attached)
  | (Configured & { readonly command: "CHECK"; readonly netns: string } & Attached)
  | (Configured & { readonly command: "DEL"; readonly netns: string | undefined } & Attached)
  | (Configured & { readonly command: "GC"; readonly valid: readonly Attachment[] })
  | (Configured & { readonly command: "STATUS" })
  | { readonly command: "VERSION"; readonly version: string };

interface Configured {
  readonly version: CNIVersion;
  readonly configuration: Configuration;
}

interface Attached {
  readonly attachment: Attachment;
  /** Of CNI_ARGS: on Kubernetes K8S_POD_NAMESPACE, K8S_POD_NAME, K8S_POD_UID, as far as they say anything. */
  readonly args: Readonly<Record<string, string>>;
}

type Configuration = z.infer<typeof configuration>;

const attachments = z.array(z.object({ containerID: z.string(), ifname: z.string() }));
const configuration = z.looseObject({
  name: z.string().min(1),
  type: z.string().min(1),
  /** Of CHECK and DEL: what ADD answered. */
  prevResult: z.looseObject({}).optional(),
  /** Of GC; libcni leaves it away, or says null, where no attachment is valid (GCNetworkList in libcni/api.go). */
  "cni.dev/valid-attachments": attachments.nullable().optional(),
});

/** Fields that the specification has for every plugin, those that libcni adds, and ours; besides all `cni.dev/…`. */
const KNOWN: ReadonlySet<string> = new Set([
  "cniVersion",
  "name",
  "type",
  "capabilities",
  "runtimeConfig",
  "args",
  "dns",
  "prevResult",
  "socket",
  "timeout",
]);

const COMMANDS = ["ADD", "DEL", "CHECK", "GC", "STATUS", "VERSION"] as const;
/** Of libcni's utils.ValidateContainerID and ValidateInterfaceName; an interface's name has 15 bytes, IFNAMSIZ - 1. */
const SANDBOX = /^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/;
const INTERFACE = /^(?!\.{1,2}$)[^/:\s]{1,15}$/;

/**
 * Reads what the forwarder hands over: the CNI_ variables as NAME=VALUE, each with a NUL, one more NUL, the configuration.
 * @throws CNIError 1, 2, 4, 6 or 7, which says what is wrong with the call
 */
export function readCall(question: Uint8Array): CNICall {
  const { environment, input } = split(question);
  const command = COMMANDS.find((each) => each === environment["CNI_COMMAND"]);
  if (command === undefined) {
    throw badEnvironment(`CNI_COMMAND is ${shown(environment["CNI_COMMAND"])}, not one of ${COMMANDS.join(", ")}`);
  }
  const read = parseJSON(input);
  const stated = statedVersion(read);
  if (command === "VERSION") return { command, version: stated || CNI_VERSIONS[1] };
  const version = CNI_VERSIONS.find((each) => each === stated);
  if (version === undefined) {
    const found = stated === undefined ? "is missing" : `${shown(stated)} is not supported`;
    const message = `cniVersion ${found}; write ${CNI_VERSIONS.join(" or ")}`;
    throw new CNIError(CNI_CODES.incompatibleVersion, message);
  }
  const { data, error } = configuration.safeParse(read);
  if (data === undefined) {
    const faults = error.issues.map(({ path, message }) => `${path.join(".") || "it"}: ${message}`);
    throw new CNIError(CNI_CODES.badConfiguration, `the network configuration is wrong: ${faults.join("; ")}`);
  }
  return callOf(command, { version, configuration: data }, environment);
}

type Environment = Readonly<Record<string, string>>;

function callOf(command: Exclude<CNICall["command"], "VERSION">, configured: Configured, of: Environment): CNICall {
  switch (command) {
    case "ADD":
      requireKnown(configured.configuration);
      return { ...configured, ...attached(of), command, netns: required(of, "CNI_NETNS") };
    case "CHECK":
      return { ...configured, ...attached(of), command, netns: required(of, "CNI_NETNS") };
    case "DEL":
      return { ...configured, ...attached(of), command, netns: of["CNI_NETNS"] || undefined };
    case "GC":
    case "STATUS": {
      if (configured.version === "1.0.0") {
        throw new CNIError(CNI_CODES.incompatibleVersion, `cniVersion 1.0.0 knows no ${command}; write 1.1.0`);
      }
      if (command === "STATUS") {
        requireKnown(configured.configuration);
        return { ...configured, command };
      }
      const valid = configured.configuration["cni.dev/valid-attachments"] ?? [];
      const attachmentOf = ({ containerID, ifname }: (typeof valid)[number]): Attachment => {
        return { sandbox: containerID, interface: ifname };
      };
      return { ...configured, command, valid: valid.map(attachmentOf) };
    }
  }
}

/**
 * Other plugins' fields promise what is not done here. It is said when pods are given networks, and keeps nobody from
 * taking one away.
 * @throws CNIError 2
 */
function requireKnown(configured: Configuration): void {
  const foreign = Object.entries(configured).filter(
    ([key, value]) => !KNOWN.has(key) && !key.startsWith("cni.dev/") && !isUnset(value),
  );
  if (foreign.length === 0) return;
  const fields = foreign.map(([key, value]) => `${shown(key)}: ${cut(JSON.stringify(value))}`).join(", ");
  const why = foreign.some(([key]) => key === "ipam") ? ": pods' addresses come from Trestle's Subnets" : "";
  const message = `trestle-cni does not know ${fields} of the network configuration; take it out${why}`;
  throw new CNIError(CNI_CODES.unsupportedField, message);
}

/** What Go programs write for a field that nobody gave a value. */
function isUnset(value: unknown): boolean {
  return !value || (typeof value === "object" && Object.keys(value).length === 0);
}

function attached(of: Environment): Attached {
  const [sandbox, name] = [required(of, "CNI_CONTAINERID"), required(of, "CNI_IFNAME")];
  if (!SANDBOX.test(sandbox)) throw badEnvironment(`CNI_CONTAINERID ${shown(sandbox)} is no container's id`);
  if (!INTERFACE.test(name)) throw badEnvironment(`CNI_IFNAME ${shown(name)} can't be the name of an interface`);
  return { attachment: { sandbox, interface: name }, args: readArgs(of["CNI_ARGS"] ?? "") };
}

function required(of: Environment, name: string): string {
  const value = of[name];
  if (!value) throw badEnvironment(`${name} is missing`);
  return value;
}

/** `FOO=BAR;ABC=123` */
function readArgs(text: string): Readonly<Record<string, string>> {
  const pairs = text
    .split(";")
    .filter(Boolean)
    .map((pair): readonly [key: string, value: string] => {
      const equals = pair.indexOf("=");
      if (equals < 1) throw badEnvironment(`CNI_ARGS has ${shown(pair)}, which is no KEY=VALUE`);
      return [pair.slice(0, equals), pair.slice(equals + 1)];
    });
  // By an empty one, all pods of which a runtime knows no more would be one pod.
  return Object.fromEntries(pairs.filter(([key, value]) => value !== "" || !key.startsWith("K8S_POD_")));
}

function split(question: Uint8Array): { readonly environment: Environment; readonly input: string } {
  const text = new TextDecoder().decode(question);
  const end = text.startsWith("\0") ? 0 : text.indexOf("\0\0") + 1;
  const variables = text.slice(0, end).split("\0").filter(Boolean);
  const environment = Object.fromEntries(
    variables.map((each) => [each.slice(0, each.indexOf("=")), each.slice(each.indexOf("=") + 1)]),
  );
  return { environment, input: text.slice(end + 1) };
}

/** @throws CNIError 6 */
function parseJSON(text: string): unknown {
  try {
    return JSON.parse(text.trim() || "{}");
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new CNIError(CNI_CODES.undecodable, "the network configuration on standard input is no JSON", why);
  }
}

function statedVersion(read: unknown): string | undefined {
  const { data } = z.looseObject({ cniVersion: z.string() }).safeParse(read);
  return data?.cniVersion;
}

function badEnvironment(message: string): CNIError {
  return new CNIError(CNI_CODES.badEnvironment, message);
}

function shown(text: string | undefined): string {
  if (text === undefined) return "missing";
  return JSON.stringify(cut(text));
}

function cut(text: string): string {
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}
