import { expect, test } from "@jest/globals";
import { readConfig } from "../platform/config.ts";
import { agentSettings } from "./settings.ts";
import type { AgentSettings } from "./settings.ts";

const needed = { cluster: "east", node: "a", store: "store.yaml", state: "state" };
const read = (flags: Readonly<Record<string, unknown>>, env: Readonly<Record<string, string>> = {}): AgentSettings =>
  readConfig(agentSettings, { flags: { ...needed, ...flags }, env });

test("endpoints are addresses and names, by flags or with commas by the environment, in canonical text", () => {
  expect(read({ endpoint: ["gw.example.org", "2001:DB8::7"] }).endpoint).toEqual(["gw.example.org", "2001:db8::7"]);
  expect(read({}, { TRESTLE_ENDPOINT: "192.0.2.7,gw.example.org" }).endpoint).toEqual(["192.0.2.7", "gw.example.org"]);
  expect(read({}).endpoint).toEqual([]);
});

test("being behind NAT is said by a flag, or in words by the environment", () => {
  expect([read({ behindNat: true }).behindNat, read({}, { TRESTLE_BEHIND_NAT: "yes" }).behindNat]).toEqual([
    true,
    true,
  ]);
  expect(read({}).behindNat).toBe(false);
});

test("labels are pairs, by flags or with commas by the environment", () => {
  expect(read({ label: ["site=berlin", "note=a=b"] }).label).toEqual({ site: "berlin", note: "a=b" });
  expect(read({}, { TRESTLE_LABEL: "site=berlin,rack=1" }).label).toEqual({ site: "berlin", rack: "1" });
  expect(read({}).label).toEqual({});
  expect(() => read({ label: ["site"] })).toThrow(/--label .* is not a label; write it as KEY=VALUE/);
});

test.each([
  "relative.sock",
  "/run/a b.sock",
  '/run/a".sock',
  "/run/a\\.sock",
  "/run/a\n.sock",
  "/run/a&b.sock",
  "/run/ä.sock",
  `/${"a".repeat(107)}`,
])("a socket whose path a network configuration can't carry to the plugin is refused: %j", (cniSocket) => {
  expect(() => read({ cniSocket })).toThrow(/--cni-socket .* write an absolute path of at most 107 characters/);
});

test("a socket may be anywhere else", () => {
  for (const cniSocket of ["/run/trestle/cni.sock", "/tmp/a-b_c.1/~x@y:z,+=%.sock", `/${"a".repeat(106)}`])
    expect(read({ cniSocket }).cniSocket).toBe(cniSocket);
});

test("every fault is told at once, with what to write instead", () => {
  const faults = (): AgentSettings =>
    read({ endpoint: ["192.0.2.7:51820"], openPort: ["9100"] }, { TRESTLE_BEHIND_NAT: "perhaps" });
  expect(faults).toThrow(/--endpoint \(TRESTLE_ENDPOINT\) at 0: .* has a port; write 192\.0\.2\.7 alone/);
  expect(faults).toThrow(/--open-port .*: 9100 is not a port; write it as tcp\/9100/);
  expect(faults).toThrow(/--behind-nat \(TRESTLE_BEHIND_NAT\): is true or false/);
});
