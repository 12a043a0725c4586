import type { Clock } from "../platform/clock.ts";
import { messageOf } from "../platform/errors.ts";

/** Tells a person who waits what is being done, a line a step, on standard error. */
export interface Progress {
  /** Runs a step; its line appears with the time it took, or with its failure. Steps may overlap. */
  step<T>(title: string, action: () => Promise<T>): Promise<T>;
  /** A line by itself. */
  say(line: string): void;
}

export interface ProgressOptions {
  write(text: string): void;
  readonly clock: Clock;
  /** A terminal: steps under way are shown below the finished ones and kept up to date. */
  readonly live: boolean;
  readonly colour: boolean;
}

const TICK_MS = 120;
const FRAMES = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];

export function createProgress({ write, clock, live, colour }: ProgressOptions): Progress {
  const running = new Map<symbol, { readonly title: string; readonly since: number }>();
  const paint = (code: number, text: string): string => (colour ? `\u001b[${code}m${text}\u001b[0m` : text);
  const seconds = (since: number): string => `${((clock.monotonic() - since) / 1000).toFixed(1)} s`;
  let drawn = 0;
  let frame = 0;
  let ticking: AbortController | undefined;

  /** Puts finished lines above what is under way, which is drawn anew. */
  const draw = (finished: string): void => {
    const erase = drawn > 0 ? `\u001b[${drawn}A\u001b[J` : "";
    const mark = FRAMES[frame % FRAMES.length] ?? "";
    const active = live
      ? [...running.values()].map(({ title, since }) => `  ${paint(36, mark)} ${title} ${paint(2, seconds(since))}\n`)
      : [];
    drawn = active.length;
    write(erase + finished + active.join(""));
  };
  const tick = async (signal: AbortSignal): Promise<void> => {
    while (!signal.aborted) {
      await clock.sleep(TICK_MS, signal);
      frame += 1;
      if (!signal.aborted) draw("");
    }
  };

  return {
    say: (line) => draw(`${line}\n`),
    step: async (title, action) => {
      const id = Symbol(title);
      const since = clock.monotonic();
      running.set(id, { title, since });
      if (live && ticking === undefined) {
        ticking = new AbortController();
        void tick(ticking.signal);
      }
      const end = (mark: string, more: string): void => {
        running.delete(id);
        if (running.size === 0) {
          ticking?.abort();
          ticking = undefined;
        }
        draw(`  ${mark} ${title} ${more}\n`);
      };
      try {
        const result = await action();
        end(paint(32, "✔"), paint(2, seconds(since)));
        return result;
      } catch (error) {
        end(paint(31, "✘"), `(${seconds(since)}): ${messageOf(error).split("\n")[0] ?? ""}`);
        throw error;
      }
    },
  };
}
