import { afterAll, beforeAll, expect, test } from "@jest/globals";
import type { Crossing } from "../testing/crossing.ts";
import { AT, CROSSING, makeCrossing, protect } from "../testing/crossing.ts";
import type { TestNode } from "../testing/namespace.ts";
import { cable, connectTo, ping, serve } from "../testing/traffic.ts";
import { makeTestNode } from "../testing/namespace.ts";

/** Which packets are tracked, and with which source they leave, beside others who masquerade. */
let crossing: Crossing;
let container: TestNode;

const MARK_OF_KUBE = "meta mark set meta mark or 0x4000";

beforeAll(async () => {
  [crossing, container] = await Promise.all([makeCrossing(), makeTestNode("docker")]);
  const { gateway, lan, pod, remote } = crossing;
  // Containers behind a bridge of their own, as Docker makes them.
  await cable(
    { node: gateway, device: "docker0", addresses: ["172.17.0.1/24"] },
    { node: container, device: "eth0", addresses: ["172.17.0.2/24"] },
  );
  await container.run("ip", ["route", "add", "default", "via", "172.17.0.1"]);
  await protect(gateway, CROSSING);
  await gateway.run("nft", ["-f", "-"], { stdin: OTHERS });
  await Promise.all([lan, pod, remote].map((node) => serve(node, 8080)));
});
afterAll(async () => {
  await crossing?.remove();
  await container?.remove();
});

/** Everything that leaves is masqueraded; two services are as kube-proxy would make them, one in each direction. */
const OTHERS = `
table inet kube {
  chain services {
    type nat hook prerouting priority dstnat;
    tcp dport 30080 ${MARK_OF_KUBE} dnat ip to ${AT.remote[0]}:8080
    tcp dport 30081 ${MARK_OF_KUBE} dnat ip to ${AT.lan[0]}:8080
    tcp dport 30082 ${MARK_OF_KUBE} dnat ip6 to [${AT.remote[1]}]:8080
  }
  chain leaving {
    type nat hook postrouting priority srcnat;
    oifname != "tp0" masquerade
  }
}
table inet probe {
  chain forward {
    type filter hook forward priority 0;
    ip daddr ${AT.remote[0]} ct state untracked counter comment "out untracked"
    ip daddr ${AT.remote[0]} ct state new,established counter comment "out tracked"
    ip saddr ${AT.remote[0]} ct state untracked counter comment "back untracked"
    ip saddr ${AT.remote[0]} ct state new,established counter comment "back tracked"
  }
}
`;

async function counts(): Promise<number[]> {
  const listing = await crossing.gateway.run("nft", ["list", "table", "inet", "probe"]);
  return [...listing.matchAll(/packets (\d+) bytes/g)].map(([, packets]) => Number(packets));
}

test("transit is not tracked either way, what this node's own pods say is", async () => {
  expect(await ping(crossing.lan, AT.remote[0], AT.lan[0])).toBe(true);
  expect(await counts()).toEqual([1, 0, 1, 0]);
  expect(await ping(crossing.pod, AT.remote[0])).toBe(true);
  expect(await counts()).toEqual([1, 1, 1, 1]);
});

test("announced sources reach a remote cluster as they are, whoever masquerades", async () => {
  const { pod, lan } = crossing;
  for (const [index, family] of [0, 1].entries()) {
    const target = AT.remote[index as 0 | 1];
    expect({ family, source: await connectTo(pod, target, 8080) }).toEqual({ family, source: AT.pod[index] });
    expect({ family, source: await connectTo(lan, target, 8080, AT.lan[index]) }).toEqual({
      family,
      source: AT.lan[index],
    });
  }
});

test("a remote cluster's pod reaches a pod and a LAN host of ours as it is, whoever masquerades", async () => {
  const { remote } = crossing;
  for (const target of [AT.pod, AT.lan].flat()) {
    const source = target.includes(":") ? AT.remote[1] : AT.remote[0];
    expect({ target, source: await connectTo(remote, target, 8080) }).toEqual({ target, source });
  }
});

test("what has another source than announced ones leaves with the node's mesh address, and is answered", async () => {
  const { gateway, lan } = crossing;
  expect(await connectTo(container, AT.remote[0], 8080)).toBe(AT.mesh[0]);
  expect(await connectTo(gateway, AT.remote[0], 8080, AT.gatewayOutside)).toBe(AT.mesh[0]);
  expect(await connectTo(lan, AT.remote[0], 8080, AT.lanOutside)).toBe(AT.mesh[0]);
});

test("what kube-proxy marked leaves for a remote cluster with the node's mesh address, and is answered", async () => {
  const { lan, pod } = crossing;
  expect(await connectTo(lan, AT.gatewayOutside, 30080, AT.lanOutside)).toBe(AT.mesh[0]);
  expect(await connectTo(lan, AT.gateway[0], 30080)).toBe(AT.mesh[0]);
  expect(await connectTo(lan, AT.gateway[1], 30082)).toBe(AT.mesh[1]);
  expect(await connectTo(pod, AT.gateway[0], 30080)).toBe(AT.mesh[0]);
});

test("what a remote cluster asks of a node port is translated by kube-proxy, so that the answer comes back this way", async () => {
  expect(await connectTo(crossing.remote, AT.mesh[0], 30081)).toBe(AT.gateway[0]);
});
