import type { Msg, NatsConnection } from "@nats-io/nats-core";
import { waitUntil } from "../../lab/wait.ts";
import { systemClock } from "../../platform/clock.ts";
import { downSubjects } from "../../platform/nats/subjects.ts";
import type { TestHub } from "../../platform/testing/test-hub.ts";

/** What is waited for: a member has it once it heard a page that holds `mark` and then a head that names that page. */
interface Watch {
  readonly mark: string;
  /** Members that are still to hear it. */
  readonly open: Set<string>;
  readonly pages: Map<string, string>;
  /** Of `performance.now()`. */
  lastAt: number;
}

/** What the last member that heard a change was sent for it. */
export interface Sent {
  readonly pageBytes: number;
  readonly headBytes: number;
}

/** Members that do nothing but listen to their mailboxes: each a connection of its own, by its own credential. */
export interface Mailboxes {
  /**
   * Waits for what is about to come, and resolves with when the last of `members` had it (`performance.now()`): a page
   * that holds `mark` and a head that names it, or a head that holds `mark` itself.
   */
  expect(members: readonly string[], mark: string): () => Promise<number>;
  readonly sent: Sent;
  /** The highest epoch that a head spoke of. */
  readonly epoch: number;
  close(): Promise<void>;
}

const CONNECTING_AT_ONCE = 50;
const LIMIT_MS = 180_000;

export async function openMailboxes(hub: TestHub, members: readonly string[], signal: AbortSignal): Promise<Mailboxes> {
  const watches = new Set<Watch>();
  let sent = { pageBytes: 0, headBytes: 0 };
  let epoch = 0;
  const offer = (watch: Watch, member: string, subject: string, data: Buffer, at: number): void => {
    if (!subject.endsWith(".head")) {
      if (!data.includes(watch.mark)) return;
      watch.pages.set(member, subject.slice(subject.lastIndexOf(".") + 1));
      sent = { ...sent, pageBytes: data.length };
    } else if (data.includes(watch.pages.get(member) ?? watch.mark)) {
      sent = { ...sent, headBytes: data.length };
      watch.open.delete(member);
      watch.lastAt = at;
    }
  };
  const hear = (member: string, { subject, data }: Msg): void => {
    const at = performance.now();
    const bytes = Buffer.from(data.buffer, data.byteOffset, data.length);
    if (subject.endsWith(".head"))
      epoch = Math.max(epoch, Number(/"epoch":(\d+)/.exec(bytes.toString("latin1", 0, 512))?.[1] ?? 0));
    for (const watch of watches) if (watch.open.has(member)) offer(watch, member, subject, bytes, at);
  };
  const connections: NatsConnection[] = [];
  const connect = async (member: string): Promise<void> => {
    const connection = await hub.connectMember(member);
    connection.subscribe(downSubjects(member), { callback: (_, message) => hear(member, message) });
    await connection.flush();
    connections.push(connection);
  };
  for (let from = 0; from < members.length; from += CONNECTING_AT_ONCE)
    await Promise.all(members.slice(from, from + CONNECTING_AT_ONCE).map(connect));
  return {
    expect: (waiting, mark) => {
      const watch: Watch = { mark, open: new Set(waiting), pages: new Map(), lastAt: 0 };
      watches.add(watch);
      return async () => {
        const missing = (): string => `${watch.open.size} of ${waiting.length} members did not hear of it`;
        const isHeard = (): true | undefined => (watch.open.size === 0 ? true : undefined);
        await waitUntil(isHeard, missing, { clock: systemClock, signal, limitMs: LIMIT_MS, everyMs: 5 });
        watches.delete(watch);
        return watch.lastAt;
      };
    },
    get sent() {
      return sent;
    },
    get epoch() {
      return epoch;
    },
    close: async () => {
      await Promise.all(connections.map((connection) => connection.close()));
    },
  };
}
