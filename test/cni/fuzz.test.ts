import { afterAll, beforeAll, expect, test } from "@jest/globals";
import fc from "fast-check";
import { ipInstanceKind } from "../../crds/ip-instance.ts";
import type { Attachment } from "../../mesh/ipam/resources.ts";
import { eventually } from "../../platform/testing/eventually.ts";
import { askSocket } from "./support/ask-socket.ts";
import { fuzzedCalls, fuzzedQuestions, questionOf } from "./support/calls.ts";
import { call, makeCNINode } from "./support/cni-node.ts";
import type { CNINode, TestPod } from "./support/cni-node.ts";
import { configuration, runPlugin } from "./support/plugin.ts";
import { faultOf } from "./support/verdict.ts";

/** 10,000 calls, so many at a time: 7,000 by the socket, as the forwarder asks, and 3,000 by the forwarder itself. */
const BY_SOCKET = { lines: 5, calls: 1_400 };
const BY_EXEC = { lines: 3, calls: 1_000 };
const LIMIT_MS = 900_000;

let node: CNINode;
let pods: readonly TestPod[];

beforeAll(async () => {
  node = await makeCNINode("fuzz");
  pods = await Promise.all(["one", "two", "three", "four", "five", "six"].map((name) => node.makePod(name)));
});
afterAll(() => node?.remove());

test(
  "whatever a runtime asks, the answer is a result or an error of the specification",
  async () => {
    const bySocket = fc.asyncProperty(fuzzedQuestions(pods), async (question) => {
      expect(faultOf(question, await askSocket(node.socket, question))).toBeUndefined();
    });
    const byExec = fc.asyncProperty(fuzzedCalls(pods), async (asked) => {
      expect(faultOf(questionOf(asked), await runPlugin(node.socket, asked.env, asked.input))).toBeUndefined();
    });
    // What one line asks decides what the next is answered: a question that failed says more than the shortest that does.
    const line = <T>(property: fc.IAsyncProperty<T>, numRuns: number) =>
      fc.assert(property, { numRuns, endOnFailure: true });
    const ended = await Promise.allSettled([
      ...Array.from({ length: BY_SOCKET.lines }, () => line(bySocket, BY_SOCKET.calls)),
      ...Array.from({ length: BY_EXEC.lines }, () => line(byExec, BY_EXEC.calls)),
    ]);
    expect(ended.filter(({ status }) => status === "rejected")).toEqual([]);
  },
  LIMIT_MS,
);

async function deleteOne({ sandbox, interface: name }: Attachment): Promise<void> {
  const env = { CNI_COMMAND: "DEL", CNI_PATH: "/nowhere", CNI_CONTAINERID: sandbox, CNI_IFNAME: name };
  expect(await runPlugin(node.socket, env, JSON.stringify(configuration()))).toMatchObject({ code: 0 });
}

test("after all of that the agent serves, and a runtime that says what is valid has nothing left over", async () => {
  const [pod] = pods as [TestPod];
  const config = { cniVersion: "1.1.0", name: "pods", type: "trestle-cni", "cni.dev/valid-attachments": [] };
  expect(await call(node.socket, "GC", undefined, { config })).toEqual({ code: 0, output: "" });
  expect(await call(node.socket, "ADD", pod, { sandbox: "after" })).toMatchObject({ code: 0 });
  expect(await call(node.socket, "CHECK", pod, { sandbox: "after" })).toMatchObject({ code: 0 });
  expect(await call(node.socket, "DEL", pod, { sandbox: "after" })).toMatchObject({ code: 0 });
  await eventually(async () => {
    const left = await node.store.list(ipInstanceKind);
    // What calls with other lists' names were given is none of this one's: it goes one by one.
    await Promise.all(left.flatMap(({ spec }) => spec.attachment ?? []).map(deleteOne));
    return left.length === 0 || left.map(({ spec }) => spec);
  });
  expect(await node.run("sh", ["-c", "ip -o link show | grep ': tp' || true"])).toBe("");
});
