import { expect, test } from "@jest/globals";
import { capturedShell, trestle } from "./testing/captured-shell.ts";
import { runCLI } from "./run.ts";

test.each([
  [["--help"], "Usage: trestle"],
  [["--version"], /^\d+\.\d+\.\d+\n$/],
  [["help", "link"], "Usage: trestle link"],
  [["link", "create", "--help"], "trestle link create prod --selector tier=prod"],
  [["link", "help", "create"], "Usage: trestle link create"],
])("%j is answered on standard output, exit code 0", async (argv, text) => {
  const { exitCode, stdout, stderr } = await trestle(argv);
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
  expect(stdout).toMatch(text);
});

test.each([
  [["nonsense"], "unknown command 'nonsense'"],
  [["help", "nonsense"], "unknown command 'nonsense'"],
  [["leave"], "name this cluster's own store with --store FILE"],
  [["agent", "--node", "a"], "--cluster (TRESTLE_CLUSTER): is required"],
  [["join", "token", "--store", "s.yaml", "--label", "=x"], "Write it as KEY=VALUE"],
  [["--lab", "lab", "show"], "say which lab with --name LAB"],
  [["lab", "exec", "east/web", "--name", "second", "--", "ping"], "the options of `lab exec` stand before the place"],
  [["lab", "pod", "add", "east/web", "west/web", "east/web"], "It is named twice"],
  [["pool"], "Usage: trestle pool"],
  [["pool", "lst"], "Did you mean list?"],
  [["pool", "create", "--cidr", "10.0.0.0/8"], "missing required argument 'name'"],
  [["pool", "create", "p"], "required option '--cidr <cidr>' not specified"],
  [["pool", "create", "p", "--cidr", "10.0.0.0/8", "--cluster-prefix-length", "wide"], "It is a number of bits"],
  [["pool", "create", "p", "--cidr", "10.0.0.0/8", "--purpose", "fun"], "Allowed choices are pods, mesh"],
  [["pool", "list", "extra"], "too many arguments"],
  [["pool", "list", "--colour"], "unknown option '--colour'"],
  [["pool", "list", "--output", "xml"], "Allowed choices are table, wide, json, yaml"],
  [["--output", "xml", "pool", "list"], "Allowed choices are table, wide, json, yaml"],
  [["link", "create", "x"], "say who: --members a,b,…"],
  [["link", "create", "x", "--members", "east"], "a link needs at least two clusters"],
  [["link", "create", "x", "--from", "east"], "--from and --to go together"],
  [["link", "create", "x", "--members", "a,b", "--tunnel", "gre"], "Allowed choices are wireguard, vxlan"],
  [["link", "create", "x", "--members", "a,b", "--mtu", "100"], "It is a number of bytes, 1280 to 65535"],
  [["token", "create", "east", "--ttl", "soon"], '"soon" is not a time span'],
  [["get", "pools", "pods", "--watch"], "leave the name away"],
  [["apply"], "required option '-f, --filename <file>' not specified"],
  [["trace", "10.0.0.1"], "missing required argument 'to'"],
  [["network", "list"], "name this cluster's own store with --store FILE (in a lab: --lab=CLUSTER)"],
  [["subnet", "delete", "lan"], "name this cluster's own store with --store FILE"],
  [["network", "create", "lan"], "required option '--type <type>' not specified"],
  [["network", "create", "lan", "--type", "vlan"], "Allowed choices are Overlay, Underlay"],
  [["network", "create", "lan", "--type", "Underlay", "--node-selector", "a=b,c"], "Write it as KEY=VALUE"],
  [["subnet", "create", "lan", "--network", "lan"], "required option '--cidr <cidr>' not specified"],
  [["subnet", "create", "lan", "--network", "lan", "--cidr", "10.0.0.0/24", "--block-size", "x"], "number of bits"],
  [["subnet", "update", "lan", "--store", "s.yaml"], "say what to change"],
  [["subnet", "update", "lan", "--private", "maybe"], "It is true or false"],
  [["subnet", "update", "lan", "--masquerade", "maybe"], "It is true, false or usual"],
  [["ip", "create", "10.0.0.9", "--subnet", "lan"], "required option '--pod <namespace/name>' not specified"],
])("%j is a usage error, exit code 2", async (argv, message) => {
  const { exitCode, stdout, stderr } = await trestle(argv, { env: { HOME: "/nonexistent" } });
  expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: "" });
  expect(stderr).toContain(message);
});

test.each([
  [["pool", "create", "Pods", "--cidr", "10.0.0.0/8"], '"Pods" is not a name'],
  [["pool", "create", "p", "--cidr", "10.0.0.1/8"], "10.0.0.1/8 has host bits set; did you mean 10.0.0.0/8?"],
  [["pool", "create", "p", "--cidr", "10.0.0.0"], "10.0.0.0 has no prefix length"],
  [["token", "create", "*"], '"*" is not a name'],
  [["token", "create", "east", "--pod-cidr", "10.0.0.0/33"], '"10.0.0.0/33" is not a CIDR'],
  [["link", "create", "a.b", "--members", "a,b"], '"a.b" is not a name'],
  [["trace", "10.0.0.256", "east"], '"10.0.0.256" is not an IP address'],
  [["trace", "10.0.0.0/8", "east"], '"10.0.0.0/8" is not an IP address: leave the prefix length away'],
  [["get", "gizmos"], 'there is no kind "gizmos"; the hub has cidrpools, clusters, clusterlinks, jointokens'],
  [["get", "nodes"], '"nodes" is kept in a cluster\'s own store, not on the hub'],
  [["get", "pools", "--store", "store.yaml"], '"pools" is kept on the hub'],
  [["pool", "list", "--store", "store.yaml"], "this command speaks to the hub"],
  [["apply", "-f", "/nonexistent.yaml"], "cannot read /nonexistent.yaml"],
  [["pool", "list"], "no hub is known; take over the context.yaml"],
  [["--context", "elsewhere", "status"], 'there is no context "elsewhere"'],
])("%j fails before anything is reached, exit code 1", async (argv, message) => {
  const { exitCode, stdout, stderr } = await trestle(argv, { env: { HOME: "/nonexistent" } });
  expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: "" });
  expect(stderr).toContain(`error: ${message}`);
  expect(stderr.trimEnd().split("\n")).toHaveLength(1);
});

test.each([
  [["network", "create", "Lan", "--type", "Underlay"], '"Lan" is not a name'],
  [["subnet", "create", "lan", "--network", "lan", "--cidr", "10.0.0.1/24"], "did you mean 10.0.0.0/24?"],
  [["ip", "create", "10.0.0.9/32", "--subnet", "lan", "--pod", "shop/db"], "leave the prefix length away"],
  [["ip", "create", "10.0.0.9", "--subnet", "lan", "--pod", "db"], '"db" is not NAMESPACE/NAME of a pod'],
  [["ip", "delete", "10.0.0"], '"10.0.0" is not an IP address'],
])("%j is refused before any store is reached, and nothing is changed", async (argv, message) => {
  const { exitCode, stdout, stderr } = await trestle([...argv, "--store", "/nonexistent/store.yaml"]);
  expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: "" });
  expect(stderr).toContain(message);
});

test("a command line that was interrupted ends with 130 and without a word", async () => {
  const { shell, written } = capturedShell({ signal: AbortSignal.abort(), env: { HOME: "/nonexistent" } });
  expect(await runCLI(["pool", "list"], shell)).toBe(130);
  expect(written()).toEqual({ stdout: "", stderr: "" });
});

test("an option after a verb is the verb's, where the word before it has one of that name too", async () => {
  const { exitCode, stderr } = await trestle(["hub", "nats-config", "--accounts-folder", "/nonexistent", "--state"]);
  expect({ exitCode, stderr }).toMatchObject({
    exitCode: 2,
    stderr: expect.stringContaining("trestle hub nats-config --help"),
  });
});
