/** One line of nats-server's log without its own pid and time, at the level ours gives it. */
export interface ServerLine {
  readonly level: "debug" | "info" | "warn" | "error";
  readonly message: string;
}

const LEVELS: Readonly<Record<string, ServerLine["level"]>> = {
  TRC: "debug",
  DBG: "debug",
  INF: "info",
  WRN: "warn",
  ERR: "error",
  FTL: "error",
};

/** `[pid] 2026/11/21 08:36:05.333831 [INF] Server is ready`; what has no such form is info, word for word. */
export function parseServerLine(text: string): ServerLine {
  const [, mark, message] = /^\[\d+\] \S+ \S+ \[(\w{3})\] (.*)$/.exec(text) ?? [];
  const level = mark === undefined ? undefined : LEVELS[mark];
  return level === undefined || message === undefined
    ? { level: "info", message: text }
    : { level, message: message.trim() };
}
