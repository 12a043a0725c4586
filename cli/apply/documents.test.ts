import { expect, test } from "@jest/globals";
import { readDocuments } from "./documents.ts";

const FILE = `# the mesh
kind: CIDRPool
spec:
  cidr: 10.0.0.0/8
---
- kind: ClusterLink
  spec:
    members:
      names: [east, west]
- kind: Cluster
---
`;

test("documents and the items of a list become objects, each knowing its lines", () => {
  const { objects, faults } = readDocuments(FILE);
  expect(faults).toEqual([]);
  expect(objects.map(({ document }) => document)).toEqual([1, 2, 2]);
  const [pool, link, cluster] = objects;
  expect([pool?.lineOf([]), pool?.lineOf(["spec", "cidr"])]).toEqual([2, 4]);
  expect([link?.lineOf([]), link?.lineOf(["spec", "members", "names", 1])]).toEqual([6, 9]);
  expect(cluster?.lineOf([])).toBe(10);
});

test("a field that is not there is on the line of what should hold it", () => {
  const [pool] = readDocuments(FILE).objects;
  expect(pool?.lineOf(["spec", "clusterPrefixLength"])).toBe(4);
});

test.each([
  ["a: [1\nb: 2\n", 1, 2],
  ["a: 1\n---\na: 1\na: 2\n", 2, 4],
])("%p is faulty in document %i, line %i", (text, document, line) => {
  const { objects, faults } = readDocuments(text);
  expect(faults).toMatchObject([{ document, line }]);
  expect(faults[0]?.message).not.toContain("\n");
  expect(objects.length).toBe(document - 1);
});

test.each(["", "---\n", "# nothing\n", "---\n---\n"])("%p holds nothing", (text) => {
  expect(readDocuments(text)).toEqual({ objects: [], faults: [] });
});
