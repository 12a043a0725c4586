import { z } from "zod";
import { parseCidr } from "../mesh/cidr.ts";
import { enclosing } from "../mesh/nesting.ts";
import { readCidr } from "../mesh/typed-cidr.ts";
import type { StateFolder } from "../platform/state-folder.ts";

/**
 * Every prefix that is or once was a cluster's, until it lies in another's or the member leaves: should it be withdrawn
 * it stays closed, and a reboot takes the backstops out of the kernel that would tell.
 */
const FILE = "prefixes.json";
const stored = z.array(z.string().refine((text) => readCidr(text).value !== undefined));

/** Empty when there is none, or when it had to be set aside. */
export async function readKnownPrefixes(folder: StateFolder): Promise<readonly string[]> {
  return (await folder.read(FILE, stored)) ?? [];
}

/** Replaces what is kept. */
export async function writeKnownPrefixes(folder: StateFolder, prefixes: readonly string[]): Promise<void> {
  await folder.write(FILE, prefixes);
}

/** Forgets them, when the member leaves. */
export async function forgetKnownPrefixes(folder: StateFolder): Promise<void> {
  await folder.remove(FILE);
}

/** Those that lie in no other. */
export function outermost(prefixes: readonly string[]): string[] {
  const unique = [...new Set(prefixes)];
  const parents = enclosing(unique.map(parseCidr));
  return unique.filter((_, index) => parents[index] === -1);
}
