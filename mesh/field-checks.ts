import { readLength } from "./address-text.ts";
import type { Cidr } from "./cidr.ts";
import { bitsOf, familyOf, formatCidr } from "./cidr.ts";
import { readName, readNodeName, SINGLETON_NAME } from "./names.ts";
import type { Checked, Refusal, RefusalCode } from "./refusal.ts";
import { readAddress, readCidr } from "./typed-cidr.ts";

/** Checks of single fields: each gives the refusals it found, none or one, with the field's path before the fault. */

export function fault(path: string, code: RefusalCode, message: string): Refusal[] {
  return [{ code, message: `${path}: ${message}` }];
}

export function nameFaults(path: string, name: string): Refusal[] {
  return faultsOf(path, readName(name));
}

export function nodeNameFaults(path: string, name: string): Refusal[] {
  return faultsOf(path, readNodeName(name));
}

export function singletonFaults(name: string): Refusal[] {
  return givenNameFaults(name, SINGLETON_NAME);
}

/** An object whose name follows from what it is has that name: the name is the lock on it. */
export function givenNameFaults(name: string, expected: string): Refusal[] {
  return name === expected
    ? []
    : fault("metadata.name", "bad-name", `must be ${expected}, not ${JSON.stringify(name)}`);
}

/** A stored CIDR is in canonical text, so that equal ones are equal strings. `also` may refuse more. */
export function cidrFaults(
  path: string,
  text: string,
  also: (cidr: Cidr) => Refusal | undefined = () => undefined,
): Refusal[] {
  const { value, refusal } = readCidr(text);
  if (refusal) {
    return fault(path, refusal.code, refusal.message);
  }
  if (formatCidr(value) !== text) {
    return fault(path, "bad-cidr", `write ${JSON.stringify(text)} as ${formatCidr(value)}`);
  }
  const more = also(value);
  return more ? fault(path, more.code, more.message) : [];
}

export function cidrListFaults(
  path: string,
  texts: readonly string[],
  also?: (cidr: Cidr) => Refusal | undefined,
): Refusal[] {
  return texts.flatMap((text, index) => cidrFaults(`${path}[${index}]`, text, also));
}

/** An interface's address with the prefix length of its LAN, e.g. 10.1.0.10/24. */
export function interfaceAddressFaults(path: string, text: string): Refusal[] {
  const [address = "", typed = ""] = text.split("/");
  const { value } = readAddress(address);
  const length = readLength(typed, 0) ?? Infinity;
  return value === undefined || `${value}/${length}` !== text || length > bitsOf(familyOf(value))
    ? fault(
        path,
        "bad-address",
        `${JSON.stringify(text)} is not an address with its prefix length, such as 10.1.0.10/24`,
      )
    : [];
}

/** A whole number from `least` to `most`. */
export function numberFaults(path: string, number: number, least: number, most: number): Refusal[] {
  return Number.isInteger(number) && number >= least && number <= most
    ? []
    : fault(path, "bad-spec", `${number} is not a whole number from ${least} to ${most}`);
}

function faultsOf(path: string, { refusal }: Checked<unknown>): Refusal[] {
  return refusal ? fault(path, refusal.code, refusal.message) : [];
}
