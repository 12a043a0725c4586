import { expect, test } from "@jest/globals";
import { subnet } from "../../mesh/ipam/testing/objects.ts";
import type { Subnet } from "../../mesh/ipam/resources.ts";
import { OwnBlocks } from "./own-blocks.ts";
import type { Given } from "./own-blocks.ts";

/** Four blocks of four; of the first and the last block one address means all of the Subnet. */
const PODS = subnet("pods", "10.0.0.0/28", { blockSize: 30 });
const [FIRST, SECOND] = ["10.0.0.0/30", "10.0.0.4/30"] as const;
const NOTHING: Given = { inUse: [], freed: [] };

function owning(cidrs: readonly string[], subnets: readonly Subnet[], given = NOTHING): OwnBlocks {
  const blocks = new OwnBlocks();
  blocks.follow(cidrs, subnets, () => given);
  return blocks;
}

/** All that is left, in the order in which it is given. */
function takeAll(blocks: OwnBlocks, of: string): string[] {
  const address = blocks.take(of);
  return address === undefined ? [] : [address, ...takeAll(blocks, of)];
}

const addresses = (...last: number[]): string[] => last.map((each) => `10.0.0.${each}`);

test("what its blocks have is given block by block, then what was freed, and then nothing", () => {
  const blocks = owning([FIRST, SECOND], [PODS]);
  expect(takeAll(blocks, "pods")).toEqual(addresses(1, 2, 3, 4, 5, 6, 7));
  blocks.release("10.0.0.2");
  expect(takeAll(blocks, "pods")).toEqual(addresses(2));
  expect(blocks.take("another")).toBeUndefined();
});

test("what was freed of one block rests as long as another has fresh ones", () => {
  const blocks = owning([FIRST, SECOND], [PODS]);
  for (let n = 0; n < 3; n += 1) blocks.take("pods");
  blocks.release("10.0.0.1");
  expect(takeAll(blocks, "pods")).toEqual(addresses(4, 5, 6, 7, 1));
});

test("a restart gives nothing that is in use, and what was freed last", () => {
  const blocks = owning([FIRST, SECOND], [PODS], { inUse: addresses(2, 5), freed: addresses(1, 4, 99) });
  expect(blocks.counts()).toEqual(
    new Map([
      [FIRST, { used: 1, free: 2 }],
      [SECOND, { used: 1, free: 3 }],
    ]),
  );
  expect(takeAll(blocks, "pods")).toEqual(addresses(3, 6, 7, 1, 4));
});

test("the book is read only when there is something that it tells more of", () => {
  const blocks = owning([FIRST], [PODS]);
  let readings = 0;
  const read = (): Given => {
    readings += 1;
    return NOTHING;
  };
  blocks.follow([FIRST], [{ ...PODS, spec: { ...PODS.spec, private: true } }], read);
  blocks.follow([FIRST], [PODS], read);
  expect(readings).toBe(0);
  blocks.follow([FIRST, SECOND], [PODS], read);
  expect(readings).toBe(1);
});

test("a block that is gone has nothing, one that comes back has what the book left of it", () => {
  const blocks = owning([FIRST, SECOND], [PODS]);
  blocks.follow([SECOND], [PODS], () => NOTHING);
  expect(blocks.cidrs).toEqual([SECOND]);
  expect(blocks.includes("10.0.0.1")).toBe(false);
  expect(blocks.claim("10.0.0.1")).toBe(false);
  expect(blocks.free("pods")).toBe(4);
  blocks.follow([FIRST, SECOND], [PODS], () => ({ inUse: addresses(1), freed: [] }));
  expect(blocks.take("pods")).toBe("10.0.0.2");
});

test("what is reserved or excluded while in use is not given when it is freed, and is again once it is neither", () => {
  const blocks = owning([FIRST], [PODS]);
  expect(blocks.take("pods")).toBe("10.0.0.1");
  const narrowed = { ...PODS, spec: { ...PODS.spec, reservedIPs: addresses(1), excludeIPs: addresses(2) } };
  blocks.follow([FIRST], [narrowed], () => ({ inUse: addresses(1), freed: [] }));
  blocks.release("10.0.0.1");
  expect(takeAll(blocks, "pods")).toEqual(addresses(3));
  blocks.follow([FIRST], [PODS], () => ({ inUse: addresses(3), freed: addresses(1) }));
  expect(takeAll(blocks, "pods")).toEqual(addresses(2, 1));
});

test("Subnets that share a CIDR share a block, and each gives what is in its range", () => {
  const low = subnet("low", "10.0.0.0/28", { blockSize: 29, range: { start: "10.0.0.1", end: "10.0.0.2" } });
  const high = subnet("high", "10.0.0.0/28", { blockSize: 29, range: { start: "10.0.0.3", end: "10.0.0.9" } });
  const blocks = owning(["10.0.0.0/29"], [low, high]);
  expect(takeAll(blocks, "low")).toEqual(addresses(1, 2));
  expect(takeAll(blocks, "high")).toEqual(addresses(3, 4, 5, 6, 7));
  expect(blocks.counts().get("10.0.0.0/29")).toEqual({ used: 7, free: 0 });
  expect(blocks.includes("10.0.0.0")).toBe(false);
});

test("an address is claimed once", () => {
  const blocks = owning([FIRST], [PODS]);
  expect([blocks.claim("10.0.0.1"), blocks.claim("10.0.0.1"), blocks.claim("10.0.0.9")]).toEqual([true, false, false]);
});
