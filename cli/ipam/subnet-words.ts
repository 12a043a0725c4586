import { formatCidr } from "../../mesh/cidr.ts";
import { subnetRefusals } from "../../mesh/ipam/checks.ts";
import type { NodeSelector, SubnetSpec } from "../../mesh/ipam/resources.ts";
import { formatSpan, readSpan } from "../../mesh/ipam/span.ts";
import type { Checked } from "../../mesh/refusal.ts";
import { readAddress, readCidr } from "../../mesh/typed-cidr.ts";
import { inTypedWords } from "../faults.ts";
import type { WordFault } from "../faults.ts";

/** What may be changed of a Subnet; what is absent stays. */
export interface SubnetChange {
  readonly exclude?: readonly string[];
  readonly reserve?: readonly string[];
  readonly private?: boolean;
  readonly disabled?: boolean;
  readonly nodeSelector?: NodeSelector;
  /** `usual`: as its Network's type has it. */
  readonly masquerade?: boolean | "usual";
  readonly checkGateway?: boolean;
}

/** What `subnet create` was told. */
export interface SubnetWords extends SubnetChange {
  readonly network: string;
  readonly cidr: string;
  readonly range?: string;
  readonly gateway?: string;
  readonly blockSize?: number;
}

/** A Subnet's spec out of typed words, and every fault of them; with faults it is not to be written. */
export interface ReadSubnet {
  readonly spec: SubnetSpec;
  readonly faults: readonly WordFault[];
}

/** Reads what `subnet create` was told. Words that can't be read are left as they are, for the rules to name them. */
export function readSubnet(name: string, words: SubnetWords): ReadSubnet {
  const { network, range, gateway, blockSize } = words;
  const [start = "", ...more] = range === undefined ? [] : asTyped(canonicalSpan, range).split("-");
  const end = more.join("-") || start;
  const created: SubnetSpec = {
    network,
    cidr: asTyped(canonicalCidr, words.cidr),
    ...(range !== undefined && { range: { start, end } }),
    ...(gateway !== undefined && { gateway: asTyped(readAddress, gateway) }),
    ...(blockSize !== undefined && { blockSize }),
    excludeIPs: [],
    reservedIPs: [],
    private: false,
    disabled: false,
    nodeSelector: {},
  };
  const { spec, faults } = changeSubnet(name, created, words);
  // Of an unreadable CIDR the rules say nothing more: then each word is read by itself.
  const isReadable = canonicalCidr(words.cidr).refusal === undefined;
  return { spec, faults: isReadable ? faults : [...faults, ...unreadable(words)] };
}

/** A present Subnet's spec as the words want it. */
export function changeSubnet(name: string, present: SubnetSpec, change: SubnetChange): ReadSubnet {
  const { masquerade: before, ...kept } = present;
  const { masquerade = before } = change;
  const spec: SubnetSpec = {
    ...kept,
    excludeIPs: change.exclude?.map((text) => asTyped(canonicalSpan, text)) ?? present.excludeIPs,
    reservedIPs: change.reserve?.map((text) => asTyped(canonicalSpan, text)) ?? present.reservedIPs,
    private: change.private ?? present.private,
    disabled: change.disabled ?? present.disabled,
    nodeSelector: change.nodeSelector ?? present.nodeSelector,
    ...(masquerade !== undefined && masquerade !== "usual" && { masquerade }),
    ...(change.checkGateway !== undefined && { checkGateway: change.checkGateway }),
  };
  return { spec, faults: subnetRefusals(name, spec).map(inTypedWords) };
}

function unreadable({ range, gateway, exclude = [], reserve = [] }: SubnetWords): WordFault[] {
  const optional = (text: string | undefined): string[] => (text === undefined ? [] : [text]);
  return [
    ...faultsIn("--range", optional(range), canonicalSpan),
    ...faultsIn("--gateway", optional(gateway), readAddress),
    ...faultsIn("--exclude", exclude, canonicalSpan),
    ...faultsIn("--reserve", reserve, canonicalSpan),
  ];
}

function faultsIn(option: string, texts: readonly string[], read: (text: string) => Checked<string>): WordFault[] {
  return texts.flatMap((text) => {
    const { refusal } = read(text);
    return refusal === undefined ? [] : [{ code: refusal.code, message: `${option}: ${refusal.message}` }];
  });
}

function asTyped(read: (text: string) => Checked<string>, text: string): string {
  return read(text).value ?? text;
}

function canonicalCidr(text: string): Checked<string> {
  const { value, refusal } = readCidr(text);
  return refusal === undefined ? { value: formatCidr(value) } : { refusal };
}

/** Addresses of a range in any spelling: `FD00::5-fd00:0::9`. */
function canonicalSpan(text: string): Checked<string> {
  const ends = text.split("-").map((end) => readAddress(end).value ?? end);
  const { value, refusal } = readSpan(ends.join("-"));
  return refusal === undefined ? { value: formatSpan(value) } : { refusal };
}
