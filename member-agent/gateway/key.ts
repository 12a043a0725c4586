import type { Run } from "../../platform/run.ts";
import type { StateFolder } from "../../platform/state-folder.ts";
import { genKey, pubKey } from "../../tunnel/wireguard/keys.ts";

/** A gateway's WireGuard key pair, base64. */
export interface WireGuardKey {
  readonly privateKey: string;
  readonly publicKey: string;
}

/** The key of one rank, made once and kept in the state folder: one key a rank, so that a second rank can prove a new key. */
export async function openWireGuardKey(folder: StateFolder, run: Run, rank: number): Promise<WireGuardKey> {
  const name = keyFile(rank);
  const kept = (await folder.readText(name))?.trim();
  const privateKey = kept ?? (await genKey(run));
  if (kept === undefined) await folder.writeText(name, `${privateKey}\n`);
  return { privateKey, publicKey: await pubKey(run, privateKey) };
}

/** Forgets the key of a rank, when the member leaves. */
export async function forgetWireGuardKey(folder: StateFolder, rank: number): Promise<void> {
  await folder.remove(keyFile(rank));
}

function keyFile(rank: number): string {
  return `wireguard-${rank}.key`;
}
