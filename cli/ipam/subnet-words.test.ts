import { expect, test } from "@jest/globals";
import { subnetSpec } from "../../mesh/ipam/testing/objects.ts";
import { changeSubnet, readSubnet } from "./subnet-words.ts";

const messages = ({ faults }: ReturnType<typeof readSubnet>): string[] => faults.map(({ message }) => message);

test("what is typed in any spelling is stored in the one", () => {
  const words = {
    network: "overlay",
    cidr: "FD00:1::/64",
    range: "fd00:1:0::10-FD00:1::ff",
    gateway: "FD00:1::1",
    exclude: ["fd00:1::00a0"],
    reserve: ["fd00:1::20-fd00:1::002f"],
    blockSize: 124,
    private: true,
    nodeSelector: { rack: "1" },
    masquerade: false,
    checkGateway: true,
  };
  expect(readSubnet("pods6", words)).toEqual({
    spec: {
      ...subnetSpec("fd00:1::/64"),
      range: { start: "fd00:1::10", end: "fd00:1::ff" },
      gateway: "fd00:1::1",
      excludeIPs: ["fd00:1::a0"],
      reservedIPs: ["fd00:1::20-fd00:1::2f"],
      blockSize: 124,
      private: true,
      nodeSelector: { rack: "1" },
      masquerade: false,
      checkGateway: true,
    },
    faults: [],
  });
});

test("a range of one address may be written as that address", () => {
  expect(readSubnet("one", { network: "lan", cidr: "10.0.0.0/24", range: "10.0.0.9" }).spec.range).toEqual({
    start: "10.0.0.9",
    end: "10.0.0.9",
  });
});

test.each([
  [{ cidr: "10.0.0.1/24" }, ["--cidr: 10.0.0.1/24 has host bits set; did you mean 10.0.0.0/24?"]],
  [{ cidr: "10.0.0.0/31" }, ["--cidr: a Subnet needs at least four addresses: /30 or shorter"]],
  [{ cidr: "10.0.0.0/8" }, ["--range: a Subnet tracks at most 65536 addresses, not 16777216; give a smaller range"]],
  [{ range: "10.0.0.9-10.0.0.5" }, ["--range: ends (10.0.0.5) before it starts (10.0.0.9)"]],
  [{ range: "10.0.1.5-10.0.1.9" }, ["--range: 10.0.1.5 to 10.0.1.9 does not lie inside 10.0.0.0/24"]],
  [{ range: "10.0.0.5-10.0.0.7-10.0.0.9" }, ['--range: "10.0.0.7-10.0.0.9" is not an IP address']],
  [{ gateway: "10.9.0.1" }, ["--gateway: 10.9.0.1 is neither inside the CIDR nor link-local"]],
  [{ exclude: ["10.0.0.9", "10.0.1.1"] }, ["--exclude: 10.0.1.1 does not lie inside 10.0.0.0/24"]],
  [{ reserve: ["soon"] }, ['--reserve: "soon" is neither an address nor a range']],
  [{ blockSize: 16 }, ["--block-size: "]],
  [{ network: "My LAN" }, ['--network: "My LAN" is not a name']],
])("%j is told in the words that were typed", (words, told) => {
  const read = readSubnet("lan", { network: "lan", cidr: "10.0.0.0/24", ...words });
  expect(messages(read)).toEqual(told.map((text) => expect.stringContaining(text)));
});

test("every fault is told, though the CIDR is one of them", () => {
  const read = readSubnet("Lan", {
    network: "lan",
    cidr: "10.0.0.0",
    range: "10.0.0.x",
    gateway: "none",
    exclude: ["10.0.0.9-10.0.0.1"],
    reserve: ["x"],
  });
  expect(messages(read).map((message) => message.split(" ")[0])).toEqual([
    '"Lan"',
    "--cidr:",
    "--range:",
    "--gateway:",
    "--exclude:",
    "--reserve:",
  ]);
});

test("a change leaves what it does not mention", () => {
  const present = subnetSpec("10.0.0.0/24", {
    excludeIPs: ["10.0.0.9"],
    private: true,
    masquerade: true,
    checkGateway: true,
  });
  expect(changeSubnet("lan", present, {}).spec).toEqual(present);
  expect(changeSubnet("lan", present, { exclude: [], disabled: true, masquerade: "usual" }).spec).toEqual(
    subnetSpec("10.0.0.0/24", { private: true, disabled: true, checkGateway: true }),
  );
});
