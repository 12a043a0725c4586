import { inflateRawSync } from "node:zlib";

/** A file in an archive: its path there, its permission bits, and what it holds once unpacked. */
export interface ArchivedFile {
  readonly path: string;
  readonly mode: number;
  readonly read: () => Buffer;
}

const END_OF_DIRECTORY = 0x06054b50;
const DIRECTORY_ENTRY = 0x02014b50;
const END_OF_DIRECTORY_BYTES = 22;
const DEFLATED = 8;

/**
 * The files of a zip archive without comment, encryption or zip64, as the Go module proxy serves them (APPNOTE.TXT of
 * PKWARE, sections 4.3.7, 4.3.12 and 4.3.16). Read by its directory, so that nothing between the files is looked at.
 */
export function filesOfZip(archive: Buffer): ArchivedFile[] {
  const end = archive.length - END_OF_DIRECTORY_BYTES;
  if (end < 0 || archive.readUInt32LE(end) !== END_OF_DIRECTORY) throw new Error("not a zip archive, or cut off");
  const files: ArchivedFile[] = [];
  let at = archive.readUInt32LE(end + 16);
  for (let left = archive.readUInt16LE(end + 10); left > 0; left -= 1) {
    if (archive.readUInt32LE(at) !== DIRECTORY_ENTRY) throw new Error(`damaged zip archive at byte ${at}`);
    const pathLength = archive.readUInt16LE(at + 28);
    files.push({
      path: archive.toString("utf8", at + 46, at + 46 + pathLength),
      mode: (archive.readUInt32LE(at + 38) >>> 16) & 0o777,
      read: contents(archive, at),
    });
    at += 46 + pathLength + archive.readUInt16LE(at + 30) + archive.readUInt16LE(at + 32);
  }
  return files;
}

function contents(archive: Buffer, entry: number): () => Buffer {
  const method = archive.readUInt16LE(entry + 10);
  const size = archive.readUInt32LE(entry + 20);
  const header = archive.readUInt32LE(entry + 42);
  return () => {
    const start = header + 30 + archive.readUInt16LE(header + 26) + archive.readUInt16LE(header + 28);
    const packed = archive.subarray(start, start + size);
    return method === DEFLATED ? inflateRawSync(packed) : packed;
  };
}
