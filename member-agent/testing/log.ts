import { Writable } from "node:stream";
import { createLog } from "../../platform/log.ts";
import type { Log } from "../../platform/log.ts";

/** A log that keeps the events it was told, in order, with their messages. */
export function keptLog(): { readonly log: Log; readonly lines: { readonly event: string; readonly msg: string }[] } {
  const lines: { readonly event: string; readonly msg: string }[] = [];
  const stream = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      lines.push(JSON.parse(chunk.toString()) as (typeof lines)[number]);
      done();
    },
  });
  return { log: createLog({ level: "debug", pretty: false, stream }), lines };
}
