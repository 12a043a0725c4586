import { spawn } from "node:child_process";
import { once } from "node:events";
import { expect, test } from "@jest/globals";
import { leftBehind, type Viewpoint } from "./compare.ts";
import { observeMachine, type Machine, type ProcessSeen } from "./machine.ts";

const viewpoint: Viewpoint = { pid: 20, root: "/checkout", run: "this-run" };
const empty: Machine = { processes: [], namespaces: [], links: [], mounts: [], cgroups: [], state: [] };

function seen(pid: number, more: Partial<ProcessSeen> = {}): ProcessSeen {
  return {
    pid,
    parent: 1,
    started: `${pid}`,
    command: `program-${pid}`,
    folder: "/",
    network: "net:[1]",
    run: undefined,
    ...more,
  };
}

const before: Machine = { ...empty, processes: [seen(1, { parent: 0 })], links: ["lo"], mounts: ["/proc (proc proc)"] };

test.each<[string, Partial<Machine>, string[]]>([
  ["the machine as it was", {}, []],
  ["a process of this run", { processes: [seen(30, { run: "this-run" })] }, ["process 30: program-30"]],
  ["a process of another run", { processes: [seen(30, { run: "other" })] }, []],
  [
    "a daemon working in the checkout",
    { processes: [seen(30, { folder: "/checkout/lab" })] },
    ["process 30: program-30"],
  ],
  ["a neighbour of the checkout", { processes: [seen(30, { folder: "/checkout-two" })] }, []],
  [
    "a program of the checkout",
    { processes: [seen(30, { command: "/checkout/x -a" })] },
    ["process 30: /checkout/x -a"],
  ],
  ["a process in a new namespace", { processes: [seen(30, { network: "net:[9]" })] }, ["process 30: program-30"]],
  [
    "the looker and its parents",
    { processes: [seen(20, { parent: 19, run: "this-run" }), seen(19, { run: "this-run" })] },
    [],
  ],
  ["a pid used again", { processes: [seen(1, { started: "99", run: "this-run" })] }, ["process 1: program-1"]],
  ["a namespace", { namespaces: ["east-a"] }, ["network namespace east-a"]],
  ["a link", { links: ["lo", "br0"] }, ["link br0"]],
  ["a mount", { mounts: ["/x (tmpfs tmpfs)"] }, ["mount /x (tmpfs tmpfs)"]],
  ["a control group", { cgroups: ["/sys/fs/cgroup/pods"] }, ["cgroup /sys/fs/cgroup/pods"]],
  ["a session of the machine", { cgroups: ["/sys/fs/cgroup/user.slice/user-0.slice"] }, []],
  ["state of a lab", { state: ["/run/trestle/lab/demo"] }, ["state /run/trestle/lab/demo"]],
])("%s is told", (_name, change, left) => {
  expect(leftBehind(before, { ...before, ...change }, viewpoint)).toEqual(left);
});

test("a program that outlives its test is found on this machine, and gone once it ended", async () => {
  const run = `run-${process.pid}`;
  const mine = { pid: process.pid, root: "/nowhere", run };
  const start = observeMachine();
  const child = spawn("sleep", ["60"], { env: { ...process.env, TRESTLE_TEST_RUN: run }, cwd: "/", stdio: "ignore" });
  await once(child, "spawn");
  try {
    expect(leftBehind(start, { ...start, processes: observeMachine().processes }, mine)).toContain(
      `process ${child.pid}: sleep 60`,
    );
  } finally {
    child.kill("SIGKILL");
    await once(child, "exit");
  }
  const rest = leftBehind(start, { ...start, processes: observeMachine().processes }, mine);
  expect(rest).not.toContain(`process ${child.pid}: sleep 60`);
});
