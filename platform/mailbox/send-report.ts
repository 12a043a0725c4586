import type { NatsConnection } from "@nats-io/nats-core";
import { MeshError, messageOf } from "../errors.ts";
import type { Signer } from "../identity/signature.ts";
import { upSubject } from "../nats/subjects.ts";
import { openAnswer } from "./answers.ts";
import { reportAnswer, signReport } from "./reports.ts";
import type { ReportAnswer } from "./reports.ts";

export interface ReporterParts {
  readonly nc: NatsConnection;
  readonly mesh: string;
  readonly member: string;
  readonly gateway: string;
  readonly signer: Signer;
  readonly hubKey: string;
  /** The first counter to use: above every one used before, also before a restart: max(stored + 1, milliseconds since 1970). */
  readonly firstCounter: number;
}

const LIMIT_MS = 5_000;

/** A gateway's side of reports: counts them and believes only the hub's own answers. */
export class Reporter {
  readonly #parts: ReporterParts;
  #next: number;

  constructor(parts: ReporterParts) {
    this.#parts = parts;
    this.#next = parts.firstCounter;
  }

  /** What to keep so that the next process begins above it. */
  get nextCounter(): number {
    return this.#next;
  }

  /**
   * Sends a report; when the hub knows a newer counter (a clock went wrong), once more with one beyond that.
   * @throws MeshError `report-unanswered` (retry): nobody answered, or somebody who is not the hub
   */
  async send(body: unknown): Promise<ReportAnswer> {
    const answer = await this.#sendOnce(body);
    if (answer.ok || answer.lastCounter === undefined || answer.lastCounter < this.#next - 1) return answer;
    this.#next = answer.lastCounter + 1;
    return this.#sendOnce(body);
  }

  async #sendOnce(body: unknown): Promise<ReportAnswer> {
    const { nc, mesh, member, gateway, signer, hubKey } = this.#parts;
    const text = signReport({ mesh, member, gateway, counter: this.#next++, body }, signer);
    const reply = await nc.request(upSubject(member, gateway), text, { timeout: LIMIT_MS }).catch((error: unknown) => {
      throw new MeshError("report-unanswered", `the hub did not answer a report: ${messageOf(error)}`, {
        retry: true,
        cause: error,
      });
    });
    const answer = openAnswer(text, reply.string(), hubKey);
    if (answer !== undefined) return reportAnswer.parse(answer.value);
    throw new MeshError("report-unanswered", "a report was answered by somebody who does not hold the hub's key", {
      retry: true,
    });
  }
}
