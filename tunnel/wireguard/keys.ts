import type { Run } from "../../platform/run.ts";

/** A new WireGuard private key, base64. */
export async function genKey(run: Run): Promise<string> {
  return (await run("wg", ["genkey"])).trim();
}

/** The public key of a private one, both base64; the private one travels by standard input. */
export async function pubKey(run: Run, privateKey: string): Promise<string> {
  return (await run("wg", ["pubkey"], { stdin: `${privateKey}\n` })).trim();
}
