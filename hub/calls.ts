import type { HubAPI } from "./api.ts";
import { checkRemoval, removeMember } from "./members.ts";
import type { MemberParts } from "./members.ts";
import type { HubLevel } from "./level.ts";
import type { ReportBook } from "./reports.ts";
import { statusOf } from "./status.ts";
import { createToken, revokeToken } from "./tokens.ts";
import type { TokenParts } from "./tokens.ts";
import { traceBetween } from "./trace.ts";

export interface CallParts extends TokenParts, MemberParts {
  readonly keys: TokenParts["keys"];
  readonly level: () => HubLevel;
  readonly reports: ReportBook;
  /** Since when this hub is the active one, RFC 3339. */
  readonly activeSince: string;
  /** Lets one at a time come in or go out, whoever asks. */
  readonly oneAtATime: <T>(work: () => Promise<T>) => Promise<T>;
}

/** What the hub does for each call of an administrator. */
export function hubCallsOf(parts: CallParts): HubAPI {
  const { level, reports, activeSince, clock, oneAtATime } = parts;
  return {
    createToken: (request) => createToken(parts, request),
    revokeToken: async ({ name }) => {
      await revokeToken(parts, name);
      return {};
    },
    deleteCluster: ({ cluster, force }) =>
      oneAtATime(async () => {
        checkRemoval(level(), cluster, force);
        await removeMember(parts, cluster);
        return {};
      }),
    status: async () => statusOf({ ...level(), reports, activeSince, nowMs: clock.now() }),
    trace: async (request) => traceBetween(request, { level: level(), reports, nowMs: clock.now() }),
  };
}
