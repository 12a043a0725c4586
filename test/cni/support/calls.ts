import fc from "fast-check";
import type { TestPod } from "./cni-node.ts";

/** What a runtime, a broken one or somebody hostile may start the plugin with. */
export interface FuzzedCall {
  readonly env: Readonly<Record<string, string>>;
  readonly input: string | Uint8Array;
}

/** Half of the calls have one thing wrong or none, so that they get past the parser; `pods` are there. */
export function fuzzedCalls(pods: readonly TestPod[]): fc.Arbitrary<FuzzedCall> {
  const right = fc.record({ env: rightEnvironments(pods), input: rightInputs() });
  return fc.oneof(
    right,
    { weight: 2, arbitrary: fc.record({ env: environments(pods), input: rightInputs() }) },
    { weight: 2, arbitrary: fc.record({ env: rightEnvironments(pods), input: inputs() }) },
    fc.record({ env: environments(pods), input: inputs() }),
  );
}

/** Two sandboxes for each pod, and any of its interfaces. */
function rightEnvironments(pods: readonly TestPod[]): fc.Arbitrary<Readonly<Record<string, string>>> {
  return fc.record({
    CNI_COMMAND: fc.constantFrom("ADD", "DEL", "CHECK", "GC", "STATUS", "VERSION"),
    CNI_CONTAINERID: fc.constantFrom("a", "b"),
    CNI_IFNAME: fc.constantFrom("eth0", "eth0", "eth0", "net1"),
    CNI_NETNS: fc.constantFrom(...pods.map((pod) => pod.netns)),
    CNI_ARGS: fc.constantFrom(...pods.map((pod) => pod.args)),
    CNI_PATH: fc.constant("/opt/cni/bin"),
  });
}

function rightInputs(): fc.Arbitrary<string> {
  const attachments = fc.subarray(["a", "b"].map((containerID) => ({ containerID, ifname: "eth0" })));
  return fc
    .record({
      cniVersion: fc.constantFrom("1.0.0", "1.1.0", "1.1.0"),
      name: fc.constant("pods"),
      type: fc.constant("trestle-cni"),
      "cni.dev/valid-attachments": attachments,
    })
    .map((value) => JSON.stringify(value));
}

/** A call as the forwarder hands it over, or bytes that are none. */
export function fuzzedQuestions(pods: readonly TestPod[]): fc.Arbitrary<Uint8Array> {
  const whole = fuzzedCalls(pods).map(questionOf);
  const cut = fc.tuple(whole, fc.nat(200)).map(([bytes, length]) => bytes.subarray(0, length));
  return fc.oneof({ weight: 8, arbitrary: whole }, cut, fc.uint8Array({ maxLength: 400 }));
}

/** What the forwarder makes of a call. */
export function questionOf({ env, input }: FuzzedCall): Uint8Array {
  const variables = Object.entries(env).map(([name, value]) => `${name}=${value}\0`);
  return Buffer.concat([Buffer.from(`${variables.join("")}\0`), Buffer.from(input)]);
}

function environments(pods: readonly TestPod[]): fc.Arbitrary<Readonly<Record<string, string>>> {
  const command = fc.constantFrom("ADD", "DEL", "CHECK", "GC", "STATUS", "VERSION");
  const sandbox = fc.oneof(fc.constantFrom("a", "b", "c"), words(), fc.constant("x".repeat(5_000)));
  const device = fc.oneof(
    fc.constantFrom("eth0", "net1", "lo", "..", "a/b", "sixteencharacter", "eth0;reboot"),
    words(),
  );
  const netns = fc.oneof(
    fc.constantFrom(...pods.map((pod) => pod.netns)),
    fc.constantFrom("/run/netns/none", "/proc/1/mem", "/dev/zero", "/", "relative", "/run/netns/../netns/x", "--net"),
    words(),
  );
  const args = fc.oneof(fc.constantFrom(...pods.map((pod) => pod.args)), pairs(), words());
  const odd = fc.dictionary(
    words().map((word) => `CNI_${word.replaceAll("=", "")}`),
    words(),
    { maxKeys: 4 },
  );
  const values = fc.record(
    {
      CNI_COMMAND: fc.oneof({ weight: 9, arbitrary: command }, words()),
      CNI_CONTAINERID: sandbox,
      CNI_IFNAME: fc.oneof({ weight: 3, arbitrary: fc.constant("eth0") }, device),
      CNI_NETNS: netns,
      CNI_ARGS: args,
      CNI_PATH: words(),
    },
    { requiredKeys: ["CNI_COMMAND"] },
  );
  return fc.tuple(values, fc.oneof({ weight: 5, arbitrary: fc.constant({}) }, odd)).map(([some, more]) => {
    return { ...more, ...some };
  });
}

function inputs(): fc.Arbitrary<string | Uint8Array> {
  const version = fc.oneof({ weight: 4, arbitrary: fc.constantFrom("1.0.0", "1.1.0") }, fc.json(), words());
  const attachment = fc.record({ containerID: fc.oneof(fc.constantFrom("a", "b"), words()), ifname: words() });
  const configuration = fc
    .record(
      {
        cniVersion: version,
        name: fc.oneof(fc.constant("pods"), words()),
        type: fc.constant("trestle-cni"),
        prevResult: fc.oneof(fc.object(), fc.jsonValue()),
        "cni.dev/valid-attachments": fc.oneof(fc.array(attachment), fc.jsonValue()),
        ipam: fc.jsonValue(),
        runtimeConfig: fc.jsonValue(),
      },
      { requiredKeys: ["cniVersion", "name", "type"] },
    )
    .map((value) => JSON.stringify(value));
  const deep = fc.nat(20_000).map((depth) => "[".repeat(depth));
  const spoilt = fc.tuple(configuration, fc.nat(300)).map(([text, at]) => `${text.slice(0, at)}${text.slice(at + 1)}`);
  return fc.oneof({ weight: 6, arbitrary: configuration }, spoilt, fc.json(), words(), deep, fc.uint8Array());
}

function pairs(): fc.Arbitrary<string> {
  const key = fc.constantFrom("K8S_POD_NAMESPACE", "K8S_POD_NAME", "K8S_POD_UID", "IgnoreUnknown", "IP", "__proto__");
  return fc.array(fc.tuple(key, words())).map((all) => all.map(([name, value]) => `${name}=${value}`).join(";"));
}

/** Text of every kind that an environment can hold. */
function words(): fc.Arbitrary<string> {
  return fc.string({ unit: "binary", maxLength: 30 }).map((text) => text.replaceAll("\0", ""));
}
