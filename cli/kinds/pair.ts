import type { PairStatus } from "../../mesh/resources.ts";
import type { Column } from "../table.ts";
import { since } from "../time.ts";
import { pairStateCell } from "./looks.ts";

/** A pair of clusters, in one direction, as the first sees it. */
export const pairColumns: readonly Column<PairStatus>[] = [
  { title: "FROM", cell: ({ from }) => from },
  { title: "TO", cell: ({ to }) => to },
  { title: "TUNNEL", cell: ({ tunnel }) => tunnel },
  { title: "STATE", cell: ({ state }) => pairStateCell(state) },
  { title: "SINCE", cell: (pair, now) => since(pair.since, now) },
  {
    title: "RTT",
    cell: ({ rttMs }) => (rttMs === undefined ? "" : `${rttMs < 10 ? rttMs.toFixed(1) : Math.round(rttMs)}ms`),
  },
  { title: "LOSS", cell: ({ loss }) => (loss === undefined ? "" : `${Number((loss * 100).toFixed(1))}%`) },
  { title: "MTU", cell: ({ pathMTU }) => (pathMTU === undefined ? "" : String(pathMTU)) },
  // Why a pair is not up is the first thing to know about it.
  { title: "REASON", cell: ({ state, reason }) => (state === "Up" ? "" : reason) },
  { title: "MESSAGE", wide: true, cell: ({ message }) => message },
];
