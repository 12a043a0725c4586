import { createInterface } from "node:readline";
import { memberKinds } from "../../../crds/kinds.ts";
import { systemClock } from "../../../platform/clock.ts";
import { messageOf } from "../../../platform/errors.ts";
import { createLog } from "../../../platform/log.ts";
import { connectStore, readStoreAccess } from "../../../platform/store/access.ts";
import type { Draft, ResourceKind, StoredObject } from "../../../platform/store/port.ts";
import { amendStatus } from "../../../platform/store/amend.ts";
import type { StoreAnswer, StoreQuestion } from "./store.ts";

/**
 * Asks the store of a node that only its own network reaches: `node store-program.ts ACCESS-FILE`. A question a line on
 * standard input, an answer a line on standard output, in any order.
 */
const life = new AbortController();
const { connection, store } = await connectStore({
  access: await readStoreAccess(process.argv[2] ?? ""),
  waitOnFirstConnect: true,
  clock: systemClock,
  log: createLog({ level: "silent", pretty: false }),
  signal: life.signal,
});

async function ask({ verb, kind: name, of, draft, status }: StoreQuestion): Promise<unknown> {
  const kind = memberKinds.find((each) => each.kind === name) as ResourceKind<StoredObject> | undefined;
  if (kind === undefined) throw new Error(`a member's store has no ${name}`);
  switch (verb) {
    case "list":
      return store.list(kind);
    case "create":
      return store.create(kind, draft as Draft<StoredObject>);
    case "status":
      return amendStatus(store, kind, of ?? "", () => status);
    case "delete":
      return store.delete(kind, of ?? "");
  }
}

const input = createInterface({ input: process.stdin });
input.on("line", (line) => {
  const question = JSON.parse(line) as StoreQuestion;
  const say = (answer: Omit<StoreAnswer, "id">): void =>
    void process.stdout.write(`${JSON.stringify({ id: question.id, ...answer })}\n`);
  ask(question).then(
    (value) => say({ value }),
    (error: unknown) => say({ error: messageOf(error) }),
  );
});
input.on("close", () => {
  life.abort();
  void connection.closed().then(() => process.exit());
});
