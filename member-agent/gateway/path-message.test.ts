import { Buffer } from "node:buffer";
import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { encodePathMessage, parsePathMessage } from "./path-message.ts";

const kinds = fc.constantFrom("WireGuard" as const, "VXLAN" as const);
const messages = fc.record({
  type: fc.constantFrom("probe" as const, "answer" as const),
  sends: kinds,
  wants: kinds,
  sequence: fc.nat(0xffff_ffff),
  nonce: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
});

test("what is written is read, and an answer is as long as its probe, so that nobody is flooded by a forged one", () => {
  fc.assert(
    fc.property(messages, (message) => {
      const bytes = encodePathMessage(message);
      expect(bytes).toHaveLength(16);
      expect(parsePathMessage(bytes)).toEqual(message);
    }),
  );
});

test("what is not exactly a message of this version is none", () => {
  const good = encodePathMessage({ type: "probe", sends: "VXLAN", wants: "VXLAN", sequence: 1, nonce: 1n });
  const changed = (at: number, byte: number): Buffer => Buffer.from(good).fill(byte, at, at + 1);
  const bad = [
    Buffer.alloc(0),
    good.subarray(1),
    Buffer.concat([good, good]),
    changed(0, 2),
    changed(1, 2),
    changed(2, 9),
  ];
  for (const bytes of [...bad, changed(3, 2)]) expect(parsePathMessage(bytes)).toBeUndefined();
  fc.assert(fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => void parsePathMessage(Buffer.from(bytes))));
});
