import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { Draft, ResourceKind, StoredObject } from "../../../platform/store/port.ts";
import type { TestNode } from "../../../tunnel/testing/namespace.ts";

/** One question to store-program.ts. */
export interface StoreQuestion {
  readonly id: number;
  readonly verb: "list" | "create" | "status" | "delete";
  readonly kind: string;
  /** Name of the object, of `status` and `delete`. */
  readonly of?: string;
  readonly draft?: unknown;
  readonly status?: unknown;
}

export interface StoreAnswer {
  readonly id: number;
  readonly value?: unknown;
  readonly error?: string;
}

/** A node's store, asked from outside of its network. */
export interface DistantStore {
  list<T extends StoredObject>(kind: ResourceKind<T>): Promise<readonly T[]>;
  create<T extends StoredObject>(kind: ResourceKind<T>, draft: Draft<T>): Promise<T>;
  putStatus<T extends StoredObject>(kind: ResourceKind<T>, name: string, status: T["status"]): Promise<void>;
  delete(kind: ResourceKind<StoredObject>, name: string): Promise<void>;
  close(): Promise<void>;
}

const PROGRAM = fileURLToPath(new URL("./store-program.ts", import.meta.url));

/** Reaches the store by its access file, through a program on the node. */
export function reachStore({ prefix }: Pick<TestNode, "prefix">, accessFile: string): DistantStore {
  const [program, ...rest] = [...prefix, process.execPath, PROGRAM, accessFile];
  const child = spawn(program, rest, { stdio: ["pipe", "pipe", "inherit"] });
  const ended = once(child, "close");
  const waiting = new Map<number, PromiseWithResolvers<unknown>>();
  let asked = 0;
  createInterface({ input: child.stdout }).on("line", (line) => {
    const { id, value, error } = JSON.parse(line) as StoreAnswer;
    if (error === undefined) waiting.get(id)?.resolve(value);
    else waiting.get(id)?.reject(new Error(error));
    waiting.delete(id);
  });
  void ended.then(() => waiting.forEach(({ reject }) => reject(new Error("the program that asks the store ended"))));
  const ask = (question: Omit<StoreQuestion, "id">): Promise<unknown> => {
    const answer = Promise.withResolvers<unknown>();
    const id = (asked += 1);
    waiting.set(id, answer);
    child.stdin.write(`${JSON.stringify({ id, ...question })}\n`);
    return answer.promise;
  };
  return {
    list: async (kind) => ((await ask({ verb: "list", kind: kind.kind })) as unknown[]).map((each) => kind.parse(each)),
    create: async (kind, draft) => kind.parse(await ask({ verb: "create", kind: kind.kind, draft })),
    putStatus: async (kind, of, status) => void (await ask({ verb: "status", kind: kind.kind, of, status })),
    delete: async (kind, of) => void (await ask({ verb: "delete", kind: kind.kind, of })),
    close: async () => {
      child.stdin.end();
      await ended;
    },
  };
}
