import type { MemberChange } from "./member/level.ts";

/** What an agent looks after. Whatever woke one of them, it looks at the present level. */
export const ALL_WORK = [
  "node",
  "gateway",
  "session",
  "data-path",
  "remotes",
  "credential",
  "addresses",
  "pods",
] as const;
export type Work = (typeof ALL_WORK)[number];

/** What a change of the store makes due. */
export const DUE: Readonly<Record<MemberChange, readonly Work[]>> = {
  membership: ALL_WORK,
  nodes: ["data-path", "addresses"],
  blocks: ["data-path", "node", "addresses"],
  gateways: ["data-path", "gateway", "remotes"],
  remotes: ["data-path"],
  networks: ["data-path", "addresses"],
  subnets: ["data-path", "addresses"],
};
