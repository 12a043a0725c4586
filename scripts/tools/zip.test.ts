import { deflateRawSync } from "node:zlib";
import { expect, test } from "@jest/globals";
import { filesOfZip } from "./zip.ts";

interface Packed {
  readonly path: string;
  readonly mode: number;
  readonly text: string;
  readonly deflate: boolean;
}

/** A zip archive as small as the format allows; the fields that the reader does not look at stay 0. */
function zip(files: readonly Packed[]): Buffer {
  const bodies: Buffer[] = [];
  const entries: Buffer[] = [];
  for (const { path, mode, text, deflate } of files) {
    const data = deflate ? deflateRawSync(text) : Buffer.from(text);
    const name = Buffer.from(path);
    const entry = Buffer.alloc(46);
    entry.writeUInt32LE(0x02014b50, 0);
    entry.writeUInt16LE(deflate ? 8 : 0, 10);
    entry.writeUInt32LE(data.length, 20);
    entry.writeUInt16LE(name.length, 28);
    entry.writeUInt32LE((0o100000 | mode) * 0x10000, 38);
    entry.writeUInt32LE(Buffer.concat(bodies).length, 42);
    entries.push(entry, name);
    const header = Buffer.alloc(30);
    header.writeUInt16LE(name.length, 26);
    bodies.push(header, name, data);
  }
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(files.length, 10);
  end.writeUInt32LE(Buffer.concat(bodies).length, 16);
  return Buffer.concat([...bodies, ...entries, end]);
}

test("every file comes out with its path, its permissions and its contents", () => {
  const packed = [
    { path: "go/bin/go", mode: 0o755, text: "program ".repeat(100), deflate: true },
    { path: "go/VERSION", mode: 0o644, text: "go1", deflate: false },
  ];
  const files = filesOfZip(zip(packed)).map(({ path, mode, read }) => ({ path, mode, text: read().toString() }));
  expect(files).toEqual(packed.map(({ path, mode, text }) => ({ path, mode, text })));
});

test("an archive that was cut off is refused", () => {
  const archive = zip([{ path: "a", mode: 0o644, text: "a", deflate: false }]);
  expect(() => filesOfZip(archive.subarray(0, -1))).toThrow("cut off");
});
