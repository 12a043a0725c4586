import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { Place } from "../../lab/place.ts";
import type { BurstAnswer, BurstOrder } from "./burst-program.ts";
import type { Plugin } from "./plugin-call.ts";

const PROGRAM = fileURLToPath(new URL("./burst-program.ts", import.meta.url));

/** A node that takes orders for many pods at once; disposing ends its program. */
export interface BurstNode extends Disposable {
  /** @throws Error when a plugin failed, which the program on the node says on standard error */
  carryOut(order: BurstOrder): Promise<BurstAnswer>;
}

/** Starts burst-program.ts on a node. @returns once it is ready */
export async function startBurstNode({ prefix }: Place, plugin: Plugin, signal: AbortSignal): Promise<BurstNode> {
  using started = new DisposableStack();
  const [program, ...words] = [...prefix, process.execPath, PROGRAM];
  const child = spawn(program, words, { stdio: ["pipe", "pipe", "inherit"], signal, killSignal: "SIGKILL" });
  started.defer(() => child.kill("SIGKILL"));
  // Of both an end of its output tells as well.
  child.on("error", () => undefined);
  child.stdin.on("error", () => undefined);
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const ask = async (question: Plugin | BurstOrder): Promise<string> => {
    child.stdin.write(`${JSON.stringify(question)}\n`);
    const { done, value } = await lines.next();
    if (done === true) throw new Error("a program that starts plugins on a node ended before it was done");
    return value;
  };
  await ask(plugin);
  const ends = started.move();
  return {
    carryOut: async (order) => JSON.parse(await ask(order)) as BurstAnswer,
    [Symbol.dispose]: () => ends.dispose(),
  };
}
