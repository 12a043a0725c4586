import type { ResourceReader } from "../../platform/store/port.ts";
import type { Column } from "../table.ts";

/** Columns of a kind, or how to make them where they tell of other objects too. */
export type Columns<T> = readonly Column<T>[] | ((peers: ResourceReader) => Promise<readonly Column<T>[]>);

/** The columns as they are now. */
export async function columnsFrom<T>(columns: Columns<T>, peers: ResourceReader): Promise<readonly Column<T>[]> {
  return typeof columns === "function" ? columns(peers) : columns;
}
