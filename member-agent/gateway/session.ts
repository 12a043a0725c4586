import type { Report } from "../../crds/wire/report.ts";
import type { CredentialSpec } from "../../mesh/resources.ts";
import type { ViewFault } from "../../mesh/view-faults.ts";
import type { Clock } from "../../platform/clock.ts";
import { messageOf } from "../../platform/errors.ts";
import { openSigner } from "../../platform/identity/signature.ts";
import type { Log } from "../../platform/log.ts";
import { MailboxReader } from "../../platform/mailbox/reader.ts";
import { Reporter } from "../../platform/mailbox/send-report.ts";
import { connectAsMember } from "../member/connect.ts";
import type { ConnectNats } from "../member/connect.ts";
import type { StateFolder } from "../../platform/state-folder.ts";
import { pinsOf, readLastView, writeLastView } from "./mail.ts";
import type { Mail, ViewReader } from "./mail.ts";

export interface SessionParts {
  readonly credential: CredentialSpec;
  /** The gateway's node: it reports under that name. */
  readonly node: string;
  readonly folder: StateFolder;
  readonly connect: ConnectNats;
  readonly views: ViewReader;
  readonly onMail: (mail: Mail) => void;
  /** What to report now. */
  readonly report: () => Report;
  /** Resolves when something happened that the hub should hear of at once. */
  readonly news: () => Promise<void>;
  readonly clock: Clock;
  readonly log: Log;
}

/** The hub counts a member as silent after a minute. */
const REPORT_EVERY_MS = 15_000;
/** Reports that nobody answers are repeated, slowly enough for a hub that is being restarted. */
const RETRY_MS = 1_000;

/** A gateway's talk with the hub, as the member that its credential speaks for, until `signal` aborts. */
export async function runSession(parts: SessionParts, signal: AbortSignal): Promise<void> {
  const { credential, folder, views, onMail, clock, log } = parts;
  const nc = await connectAsMember(parts.connect, credential, signal);
  // Kept first, then applied, one after another. A full disk must not keep routes stale: then it is applied all the same.
  let kept = Promise.resolve();
  let known: readonly ViewFault[] = [];
  const reader = new MailboxReader({
    nc,
    pins: pinsOf(credential),
    lastGood: await readLastView(folder),
    onView: (view) => {
      kept = kept
        .then(async () => {
          const mail = views.open(view.head, view.pages);
          await writeLastView(folder, view).catch((error: unknown) => {
            log.error(
              { event: "view-not-kept", error },
              `a reboot would bring back an older view: ${messageOf(error)}`,
            );
          });
          log.info(
            { event: "view-accepted", ...mail.revision, clusters: mail.view.entries.length },
            "accepted a view of the hub",
          );
          complain(log, mail.faults, known);
          known = mail.faults;
          onMail(mail);
        })
        .catch((error: unknown) => log.error({ event: "view-unusable", error }, messageOf(error)));
    },
    clock,
    log,
    signal,
  });
  const reporter = new Reporter({
    nc,
    mesh: credential.mesh,
    member: credential.cluster,
    gateway: parts.node,
    signer: openSigner(credential.signingSeed),
    hubKey: credential.hubKey,
    firstCounter: clock.now(),
  });
  await Promise.all([reader.done, keepReporting(parts, reporter, signal)]);
  await kept;
  await nc.close();
}

/** Each is said once, and again when it comes anew. */
function complain(log: Log, faults: readonly ViewFault[], known: readonly ViewFault[]): void {
  const said = new Set(known.map(({ message }) => message));
  for (const { message, ...fault } of faults)
    if (!said.has(message)) log.warn({ event: "view-fault", ...fault }, message);
}

async function keepReporting(
  { report, news, clock, log }: SessionParts,
  reporter: Reporter,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    try {
      // What happens while this one is on its way is news for the next.
      const next = news();
      const answer = await reporter.send(report());
      if (!answer.ok)
        log.warn({ event: "report-refused", reason: answer.refused }, `the hub refused a report: ${answer.refused}`);
      const enough = new AbortController();
      const until = AbortSignal.any([signal, enough.signal]);
      await Promise.race([clock.sleep(REPORT_EVERY_MS, until), next]);
      enough.abort();
    } catch (error) {
      if (signal.aborted) return;
      log.warn({ event: "report-failed", error }, messageOf(error));
      await clock.sleep(RETRY_MS, signal);
    }
  }
}
