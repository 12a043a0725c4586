import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { readCall } from "./call.ts";
import { CNIError } from "./cni-error.ts";

const CONFIGURATION = { cniVersion: "1.1.0", name: "pods", type: "trestle-cni" };
const ATTACHED = { CNI_CONTAINERID: "sandbox-1", CNI_IFNAME: "eth0", CNI_NETNS: "/run/netns/pod" };

function question(environment: Readonly<Record<string, string>>, input: unknown = CONFIGURATION): Uint8Array {
  const variables = Object.entries(environment).map(([name, value]) => `${name}=${value}\0`);
  return Buffer.from(`${variables.join("")}\0${typeof input === "string" ? input : JSON.stringify(input)}`);
}

/** Code and words of what a call is refused with. */
function refusalOf(asked: Uint8Array): string {
  try {
    return `accepted: ${readCall(asked).command}`;
  } catch (error) {
    if (error instanceof CNIError) return `${error.code}: ${error.message}`;
    throw error;
  }
}

test("an ADD has its attachment, its namespace and what the runtime says of the pod", () => {
  const CNI_ARGS = "IgnoreUnknown=1;K8S_POD_NAMESPACE=shop;K8S_POD_NAME=web-0;K8S_POD_UID=u=1";
  expect(readCall(question({ CNI_COMMAND: "ADD", CNI_ARGS, ...ATTACHED }))).toEqual({
    command: "ADD",
    version: "1.1.0",
    configuration: { cniVersion: "1.1.0", name: "pods", type: "trestle-cni" },
    netns: "/run/netns/pod",
    attachment: { sandbox: "sandbox-1", interface: "eth0" },
    args: { IgnoreUnknown: "1", K8S_POD_NAMESPACE: "shop", K8S_POD_NAME: "web-0", K8S_POD_UID: "u=1" },
  });
});

test("what the runtime leaves empty of the pod it does not say", () => {
  const CNI_ARGS = "K8S_POD_NAMESPACE=shop;K8S_POD_NAME=web-0;K8S_POD_UID=;OTHER=";
  expect(readCall(question({ CNI_COMMAND: "DEL", CNI_ARGS, ...ATTACHED }))).toMatchObject({
    args: { K8S_POD_NAMESPACE: "shop", K8S_POD_NAME: "web-0" },
  });
  expect(readCall(question({ CNI_COMMAND: "DEL", CNI_ARGS, ...ATTACHED }))).not.toHaveProperty("args.K8S_POD_UID");
});

test("a DEL needs no namespace, for it may be gone", () => {
  const { CNI_NETNS: _, ...rest } = ATTACHED;
  for (const environment of [rest, { ...rest, CNI_NETNS: "" }])
    expect(readCall(question({ CNI_COMMAND: "DEL", ...environment }))).toMatchObject({ netns: undefined });
});

test("a GC has the attachments that are valid, none where a runtime has none", () => {
  const valid = [{ containerID: "a", ifname: "eth0", more: 1 }];
  const told = { ...CONFIGURATION, "cni.dev/valid-attachments": valid };
  expect(readCall(question({ CNI_COMMAND: "GC", CNI_PATH: "/opt/cni/bin" }, told))).toMatchObject({
    valid: [{ sandbox: "a", interface: "eth0" }],
  });
  expect(readCall(question({ CNI_COMMAND: "GC" }))).toMatchObject({ valid: [] });
  const none = { ...CONFIGURATION, "cni.dev/valid-attachments": null };
  expect(readCall(question({ CNI_COMMAND: "GC" }, none))).toMatchObject({ valid: [] });
});

test("VERSION is answered in the version that is asked in, and without any configuration", () => {
  expect(readCall(question({ CNI_COMMAND: "VERSION" }, { cniVersion: "0.4.0" }))).toMatchObject({ version: "0.4.0" });
  for (const said of ["", { cniVersion: "" }])
    expect(readCall(question({ CNI_COMMAND: "VERSION" }, said))).toMatchObject({ version: "1.1.0" });
});

test.each<[string, Uint8Array, string]>([
  ["no command", question(ATTACHED), "4: CNI_COMMAND is missing, not one of ADD, DEL, CHECK, GC, STATUS, VERSION"],
  [
    "another command",
    question({ CNI_COMMAND: "add" }),
    '4: CNI_COMMAND is "add", not one of ADD, DEL, CHECK, GC, STATUS, VERSION',
  ],
  ["no namespace", question({ CNI_COMMAND: "ADD", ...ATTACHED, CNI_NETNS: "" }), "4: CNI_NETNS is missing"],
  ["no sandbox", question({ CNI_COMMAND: "DEL", CNI_IFNAME: "eth0" }), "4: CNI_CONTAINERID is missing"],
  [
    "a sandbox that is a path",
    question({ CNI_COMMAND: "DEL", ...ATTACHED, CNI_CONTAINERID: "../etc" }),
    '4: CNI_CONTAINERID "../etc" is no container\'s id',
  ],
  [
    "an interface with too long a name",
    question({ CNI_COMMAND: "ADD", ...ATTACHED, CNI_IFNAME: "sixteencharacter" }),
    '4: CNI_IFNAME "sixteencharacter" can\'t be the name of an interface',
  ],
  [
    "arguments that are none",
    question({ CNI_COMMAND: "ADD", ...ATTACHED, CNI_ARGS: "A=1;B" }),
    '4: CNI_ARGS has "B", which is no KEY=VALUE',
  ],
  [
    "no JSON",
    question({ CNI_COMMAND: "ADD", ...ATTACHED }, "{"),
    "6: the network configuration on standard input is no JSON",
  ],
  [
    "an older version",
    question({ CNI_COMMAND: "ADD", ...ATTACHED }, { ...CONFIGURATION, cniVersion: "0.4.0" }),
    '1: cniVersion "0.4.0" is not supported; write 1.0.0 or 1.1.0',
  ],
  [
    "no version",
    question({ CNI_COMMAND: "ADD", ...ATTACHED }, { name: "pods", type: "trestle-cni" }),
    "1: cniVersion is missing; write 1.0.0 or 1.1.0",
  ],
  [
    "GC in a version that has none",
    question({ CNI_COMMAND: "GC" }, { ...CONFIGURATION, cniVersion: "1.0.0" }),
    "1: cniVersion 1.0.0 knows no GC; write 1.1.0",
  ],
  [
    "a configuration without its name",
    question({ CNI_COMMAND: "STATUS" }, { cniVersion: "1.1.0", type: 7 }),
    expect.stringMatching(/^7: the network configuration is wrong: name: .*; type: /) as unknown as string,
  ],
])("a call with %s is refused, with the specification's code", (_, asked, refusal) => {
  expect(refusalOf(asked)).toEqual(refusal);
});

const asking = (command: string, more: object): string =>
  refusalOf(question({ CNI_COMMAND: command, ...ATTACHED }, { ...CONFIGURATION, ...more }));

test.each([
  [
    { ipam: { type: "host-local" } },
    '2: trestle-cni does not know "ipam": {"type":"host-local"} of the network configuration; take it out: pods\' addresses come from Trestle\'s Subnets',
  ],
  [
    { mtu: 1_400, isGateway: true },
    '2: trestle-cni does not know "mtu": 1400, "isGateway": true of the network configuration; take it out',
  ],
  [{ sokcet: "/a" }, '2: trestle-cni does not know "sokcet": "/a" of the network configuration; take it out'],
])(
  "an ADD or a STATUS by a configuration with fields of others' is refused with the keys and values: %j",
  (more, words) => {
    for (const command of ["ADD", "STATUS"]) expect(asking(command, more)).toBe(words);
    // What is there has to be taken away, and looked at, by whatever list.
    for (const command of ["DEL", "CHECK", "GC"]) expect(asking(command, more)).toBe(`accepted: ${command}`);
  },
);

test("fields of the specification, of libcni and of Trestle are taken, and those that nobody set", () => {
  const own = { socket: "/run/trestle/cni.sock", timeout: "20s" };
  const common = { capabilities: { ips: true }, runtimeConfig: { ips: [] }, args: { cni: {} }, dns: { domain: "a" } };
  const injected = { prevResult: { ips: [] }, "cni.dev/valid-attachments": [], "cni.dev/attachments": [{}] };
  const unset = { ipam: {}, mtu: 0, isGateway: false, master: "", bridge: null, vlans: [] };
  for (const more of [own, common, injected, unset]) expect(asking("ADD", more)).toBe("accepted: ADD");
});

test.each(["lo", "all", "default", ".", "..", "a b", "a/b", "a:b", "a%d", "a#b", 'a"b', "é".repeat(8), "à"])(
  "an interface that no pod can have by its name is refused: %j",
  (name) => {
    const said = `4: CNI_IFNAME ${JSON.stringify(name)} can't be the name of an interface`;
    expect(refusalOf(question({ CNI_COMMAND: "ADD", ...ATTACHED, CNI_IFNAME: name }))).toBe(said);
  },
);

test("an interface may be called whatever the kernel takes, up to 15 bytes", () => {
  for (const name of ["e", "net1.5", "é".repeat(7), "fifteen-letters"])
    expect(refusalOf(question({ CNI_COMMAND: "ADD", ...ATTACHED, CNI_IFNAME: name }))).toBe("accepted: ADD");
});

test("a sandbox is as long as the kernel can keep beside its interface, and no longer", () => {
  const refusal = (length: number) =>
    refusalOf(question({ CNI_COMMAND: "ADD", ...ATTACHED, CNI_CONTAINERID: "a".repeat(length) }));
  expect(refusal(64)).toBe("accepted: ADD");
  const most = 255 - "trestle  eth0".length;
  expect(refusal(most)).toBe("accepted: ADD");
  expect(refusal(most + 1)).toBe(`4: CNI_CONTAINERID has ${most + 1} characters, which is more than ${most}`);
});

test("a path of a namespace that ip can't be told is refused", () => {
  expect(refusalOf(question({ CNI_COMMAND: "ADD", ...ATTACHED, CNI_NETNS: "/run/netns/a#b" }))).toBe(
    '4: CNI_NETNS "/run/netns/a#b" has a quote, a # or a \\ in it',
  );
});

test.each(["", "-pods", "a b", "a/b", "größe", ".."])("a list is not called %j", (name) => {
  const asked = question({ CNI_COMMAND: "STATUS" }, { ...CONFIGURATION, name });
  expect(refusalOf(asked)).toMatch(/^7: the network configuration is wrong: name: /);
});

test("whatever comes is understood, or refused by a code of the specification", () => {
  const words = fc.oneof(
    fc.string(),
    fc.constantFrom("ADD", "DEL", "CHECK", "GC", "STATUS", "VERSION", "eth0", "A=1;B=2", ""),
  );
  const names = fc.constantFrom("CNI_COMMAND", "CNI_CONTAINERID", "CNI_IFNAME", "CNI_NETNS", "CNI_ARGS", "CNI_X");
  const fields = fc.object().map((more) => JSON.stringify({ ...more, ...CONFIGURATION }));
  const inputs = fc.oneof(fc.json(), fc.string(), fields, fc.constant(JSON.stringify(CONFIGURATION)));
  fc.assert(
    fc.property(fc.dictionary(names, words), inputs, (environment, input) => {
      expect(refusalOf(question(environment, input))).toMatch(/^(accepted|1|2|4|6|7): /);
    }),
    { numRuns: 2_000 },
  );
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      expect(refusalOf(bytes)).toMatch(/^(accepted|1|4|6|7): /);
    }),
    { numRuns: 2_000 },
  );
});
