import type { Attachment } from "../../mesh/ipam/resources.ts";
import { fitsBatch, podAlias } from "../../tunnel/pod-link.ts";
import { CNI_CODES, CNIError } from "./cni-error.ts";

/** The variables of a call, by name: see "Parameters" in the specification's "CNI operations". */
export type Environment = Readonly<Record<string, string>>;

/** Whom a call is about. */
export interface Attached {
  readonly attachment: Attachment;
  /** Of CNI_ARGS: on Kubernetes K8S_POD_NAMESPACE, K8S_POD_NAME, K8S_POD_UID, as far as they say anything. */
  readonly args: Readonly<Record<string, string>>;
}

/** Of a sandbox's id and of a list's name: libcni's utils.ValidateContainerID and ValidateNetworkName. */
export const PLAIN = /^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/;
/** Bytes of an alias in the kernel: IFALIASZ - 1. */
const MOST_OF_ALIAS = 255;
/** Bytes of an interface's name: IFNAMSIZ - 1. */
const MOST_OF_INTERFACE = 15;
/** Not one of these is in any name that the kernel takes for a device as it is, see dev_valid_name in net/core/dev.c. */
const NOT_OF_INTERFACE = /[/:%\s]/;
/** The kernel takes it for a space, being one in Latin-1, whatever it is a part of. */
const NO_BREAK_SPACE = 0xa0;
/** Two that are no names to it, its own device, and two folders that hold the settings of all of them (/proc/sys/net). */
const NO_INTERFACES = [".", "..", "lo", "all", "default"];

/** @throws CNIError 4 which names the variable; likewise below */
export function attached(of: Environment): Attached {
  const [sandbox, name] = [required(of, "CNI_CONTAINERID"), required(of, "CNI_IFNAME")];
  if (!PLAIN.test(sandbox)) throw badEnvironment(`CNI_CONTAINERID ${shown(sandbox)} is no container's id`);
  if (!isInterface(name)) throw badEnvironment(`CNI_IFNAME ${shown(name)} can't be the name of an interface`);
  const attachment = { sandbox, interface: name };
  const over = Buffer.byteLength(podAlias(attachment)) - MOST_OF_ALIAS;
  if (over > 0) {
    const { length } = sandbox;
    throw badEnvironment(`CNI_CONTAINERID has ${length} characters, which is more than ${length - over}`);
  }
  return { attachment, args: readArgs(of["CNI_ARGS"] ?? "") };
}

function isInterface(name: string): boolean {
  const bytes = Buffer.from(name);
  if (bytes.length > MOST_OF_INTERFACE || bytes.includes(NO_BREAK_SPACE)) return false;
  return !NOT_OF_INTERFACE.test(name) && fitsBatch(name) && !NO_INTERFACES.includes(name);
}

/** Path of the pod's network namespace. */
export function namespaceOf(of: Environment): string {
  const netns = required(of, "CNI_NETNS");
  if (fitsBatch(netns)) return netns;
  throw badEnvironment(`CNI_NETNS ${shown(netns)} has a quote, a # or a \\ in it`);
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

/** A call that can't be carried out for one of its variables, which `message` names. */
export function badEnvironment(message: string): CNIError {
  return new CNIError(CNI_CODES.badEnvironment, message);
}

/** What somebody said, cut short. */
export function shown(text: string | undefined): string {
  if (text === undefined) return "missing";
  return JSON.stringify(cut(text));
}

/** What a person reads of it. */
export function cut(text: string): string {
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}
