import type { NatsConnection } from "@nats-io/nats-core";
import { z } from "zod";
import { report } from "../crds/wire/report.ts";
import type { Clock } from "../platform/clock.ts";
import type { Log } from "../platform/log.ts";
import type { ReportDesk } from "../platform/mailbox/reports.ts";
import { parseMeshSubject, upSubject } from "../platform/nats/subjects.ts";
import { Budgets } from "./budget.ts";
import type { ReportBook } from "./reports.ts";
import { serveSubject } from "./serve.ts";

export interface CollectParts {
  readonly nc: NatsConnection;
  readonly desk: ReportDesk;
  readonly reports: ReportBook;
  readonly onReport: (member: string) => void;
  readonly clock: Clock;
  readonly log: Log;
}

/** A member's gateways report every 15 s and on a change; who says more than this is not answered. */
const REPORTS = { perSecond: 20, burst: 100 };
/** What is said of bad reports of one member in the log: a liar must not fill the disk. */
const COMPLAINTS = { perSecond: 1 / 60, burst: 5 };

/** Takes the members' reports until `signal` aborts. Nothing is acted on but what the member itself signed. */
export async function collectReports(
  { nc, desk, reports, onReport, clock, log }: CollectParts,
  signal: AbortSignal,
): Promise<void> {
  const budgets = new Budgets(clock, REPORTS);
  const loud = new Budgets(clock, COMPLAINTS);
  await serveSubject(
    nc,
    upSubject("*", ">"),
    async (request) => {
      const { name: member = "", rest: gateway = "" } = parseMeshSubject(request.subject) ?? {};
      if (!budgets.take(member)) return;
      const verdict = desk.accept(member, gateway, request.string());
      request.respond(verdict.answer);
      if (verdict.accepted === undefined) {
        const event = { event: "report-refused", member, gateway, reason: verdict.refused };
        if (loud.take(member)) log.warn(event, `a report of "${member}" was refused: ${verdict.refused}`);
        return;
      }
      const body = report.safeParse(verdict.accepted.body);
      if (body.success) {
        reports.record(member, gateway, body.data, clock.now());
        onReport(member);
      } else if (loud.take(member)) {
        log.warn({ event: "report-unreadable", member, gateway }, z.prettifyError(body.error));
      }
    },
    signal,
  );
}
