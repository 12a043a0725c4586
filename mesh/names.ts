import { formatAddress, groupsOf, parseAddress, parseCidr } from "./cidr.ts";
import type { Checked } from "./refusal.ts";
import { refuse } from "./refusal.ts";

const LABEL = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;

/** The name of each object there is one of: Ledger, Membership, Credential. */
export const SINGLETON_NAME = "mesh";

/**
 * A name of ours: a DNS label (RFC 1123, at most 63 characters). No looser, because names become NATS subject tokens,
 * and a member named `*` would read others' mail.
 */
export function readName(text: string): Checked<string> {
  return LABEL.test(text)
    ? { value: text }
    : refuse(
        "bad-name",
        `${shown(text)} is not a name: use at most 63 lower-case letters, digits and inner dashes, e.g. east-1`,
      );
}

/** The name of a machine, which is its cluster's to give: labels joined by dots, at most 253 characters. */
export function readNodeName(text: string): Checked<string> {
  return text.length <= 253 && text.split(".").every((label) => LABEL.test(label))
    ? { value: text }
    : refuse(
        "bad-name",
        `${shown(text)} is not a node name: use lower-case letters, digits, inner dashes and dots, e.g. node-1.example`,
      );
}

/**
 * An address as an object's name, in full, so that two spellings can't make two objects: `10-1-2-3`,
 * `fd00-0000-0000-0000-0000-0000-0000-0001`.
 * @throws RangeError when `text` is no address
 */
export function objectNameOfAddress(text: string): string {
  const address = parseAddress(text);
  return address.family === 4 ? formatAddress(address).replaceAll(".", "-") : groupsOf(address.value).join("-");
}

/**
 * A CIDR as an object's name: its address and its length, `10-1-2-0-24`.
 * @throws RangeError when `text` is no CIDR or has host bits set
 */
export function objectNameOfCidr(text: string): string {
  const { length } = parseCidr(text);
  return `${objectNameOfAddress(text.slice(0, text.indexOf("/")))}-${length}`;
}

function shown(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text);
}
