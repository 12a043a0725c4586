import { expect, test } from "@jest/globals";
import { digestOf } from "./digest.ts";
import { PageCache } from "./page-cache.ts";

test("a page is kept under its own digest and no other", () => {
  const cache = new PageCache();
  expect(cache.put(digestOf("one"), "one")).toBe(true);
  expect(cache.put(digestOf("two"), "one")).toBe(false);
  expect(cache.get(digestOf("one"))).toBe("one");
  expect(cache.get(digestOf("two"))).toBeUndefined();
});

test("however many pages a liar sends, those that are needed stay and the cache stays small", () => {
  const cache = new PageCache();
  const needed = ["a", "b"].map((page) => {
    cache.put(digestOf(page), page);
    return digestOf(page);
  });
  for (let at = 0; at < 1_000; at += 1) {
    cache.put(digestOf(`${at}`), `${at}`);
    cache.trim(needed);
  }
  expect(needed.map((digest) => cache.get(digest))).toEqual(["a", "b"]);
  expect(cache.size).toBeLessThan(100);
  expect(cache.get(digestOf("999"))).toBe("999");
});

test("a page that is larger than any hub could send is not kept", () => {
  const cache = new PageCache();
  const [most, more] = ["x".repeat(1024 * 1024), "x".repeat(1024 * 1024 + 1)];
  expect([cache.put(digestOf(most), most), cache.put(digestOf(more), more)]).toEqual([true, false]);
});
