import { z } from "zod";
import type { Run } from "../../platform/run.ts";
import { ipJson } from "../ip.ts";
import { MESH_DEVICE } from "../marks.ts";

export type AddressStep = { readonly op: "add" | "delete"; readonly address: string };

const ADDRESSES = z.array(
  z.object({
    addr_info: z.array(z.object({ family: z.string(), local: z.string(), prefixlen: z.number(), scope: z.string() })),
  }),
);

/** Addresses of the mesh device with their prefix lengths, without link-local ones; all of them are ours, for it is ours. */
export async function observeAddresses(run: Run): Promise<string[]> {
  const devices = await ipJson(run, ["address", "show", "dev", MESH_DEVICE], ADDRESSES);
  return devices
    .flatMap((device) => device.addr_info)
    .filter((address) => address.scope !== "link")
    .map((address) => `${address.local}/${address.prefixlen}`);
}

/** Addresses to add; then those to take away, which come after the routes that used them as their source. */
export function planAddresses(
  want: readonly string[],
  have: readonly string[],
): { put: AddressStep[]; remove: AddressStep[] } {
  const wanted = new Set(want);
  const present = new Set(have);
  return {
    put: [...wanted].filter((address) => !present.has(address)).map((address) => ({ op: "add", address })),
    remove: [...present].filter((address) => !wanted.has(address)).map((address) => ({ op: "delete", address })),
  };
}

/** A line of an `ip -batch`. Nobody else can have the address, and duplicate detection would hold it back for seconds. */
export function addressLine({ op, address }: AddressStep): string {
  const nodad = op === "add" && address.includes(":") ? " nodad" : "";
  return `address ${op} ${address} dev ${MESH_DEVICE}${nodad}`;
}
