import { connect } from "node:net";
import { text } from "node:stream/consumers";
import type { Said } from "./plugin.ts";

/** An agent that is silent for so long hangs. */
const PATIENCE_MS = 60_000;

/** Asks the agent as the forwarder does, without starting one. */
export async function askSocket(socket: string, question: Uint8Array): Promise<Said> {
  const agent = connect(socket).setTimeout(PATIENCE_MS, () => agent.destroy(new Error("the agent is silent")));
  agent.end(question);
  const answer = await text(agent);
  const end = answer.indexOf("\n");
  // One that ends in the middle is none.
  const isWhole = end > 0 && answer.endsWith("\0");
  return { code: isWhole ? Number(answer.slice(0, end)) : null, output: answer.slice(end + 1, -1) };
}
