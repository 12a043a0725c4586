import { refuse } from "../mesh/refusal.ts";
import type { Checked } from "../mesh/refusal.ts";

const SECONDS = { s: 1, m: 60, h: 3_600, d: 86_400 } as const;
type Unit = keyof typeof SECONDS;

/** Milliseconds as people read an age: `45s`, `3m`, `2h`, `5d`, cut to one unit, from two of it on except for seconds. */
export function age(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1_000));
  if (seconds < 2 * SECONDS.m) return `${seconds}s`;
  if (seconds < 2 * SECONDS.h) return `${Math.floor(seconds / SECONDS.m)}m`;
  if (seconds < 2 * SECONDS.d) return `${Math.floor(seconds / SECONDS.h)}h`;
  return `${Math.floor(seconds / SECONDS.d)}d`;
}

/** How long ago an RFC 3339 time was, `-` when there is none; a time ahead of `now` (a clock is wrong) is `0s`. */
export function since(time: string | undefined, now: number): string {
  if (time === undefined) return "-";
  const then = Date.parse(time);
  return Number.isNaN(then) ? "-" : age(now - then);
}

/** `90s`, `30m`, `24h`, `7d` as seconds; above zero, at most a year. */
export function readDuration(text: string): Checked<number> {
  const [, count, unit] = /^(\d{1,9})([smhd])$/.exec(text) ?? [];
  if (count === undefined)
    return refuse("bad-spec", `"${text}" is not a time span; write for example 90s, 30m, 24h or 7d`);
  const seconds = Number(count) * SECONDS[unit as Unit];
  if (seconds === 0) return refuse("bad-spec", `a time span of ${text} is over before it began; give at least 1s`);
  if (seconds > 365 * SECONDS.d) return refuse("bad-spec", `${text} is longer than a year; give at most 365d`);
  return { value: seconds };
}
