import { z } from "zod";
import type { Attachment } from "../../mesh/ipam/resources.ts";
import { CNI_CODES, CNIError } from "./cni-error.ts";
import { attached, badEnvironment, cut, namespaceOf, PLAIN, shown } from "./environment.ts";
import type { Attached, Environment } from "./environment.ts";

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

type Configuration = z.infer<typeof configuration>;

const attachments = z.array(z.object({ containerID: z.string(), ifname: z.string() }));
const configuration = z.looseObject({
  name: z.string().regex(PLAIN, "it has to be letters, digits, _ . and -, a letter or a digit first"),
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
  const version = spoken(stated);
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

/** Version of a call, understood or not; undefined where it says none of {@link CNI_VERSIONS}. */
export function versionOf(question: Uint8Array): CNIVersion | undefined {
  try {
    return spoken(statedVersion(parseJSON(split(question).input)));
  } catch {
    return undefined;
  }
}

function spoken(stated: string | undefined): CNIVersion | undefined {
  return CNI_VERSIONS.find((each) => each === stated);
}

function callOf(command: Exclude<CNICall["command"], "VERSION">, configured: Configured, of: Environment): CNICall {
  switch (command) {
    case "ADD":
      requireKnown(configured.configuration);
      return { ...configured, ...attached(of), command, netns: namespaceOf(of) };
    case "CHECK":
      return { ...configured, ...attached(of), command, netns: namespaceOf(of) };
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
