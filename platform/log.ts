import { pino } from "pino";
import pretty from "pino-pretty";

/** What every line of a log carries: `event` is kebab-case and stable, the rest are the facts of that event. */
export type LogFields = { readonly event: string } & Readonly<Record<string, unknown>>;
type Write = (fields: LogFields, message: string) => void;

/** A pino logger, narrowed so that no line can be without its event. */
export interface Log {
  readonly debug: Write;
  readonly info: Write;
  readonly warn: Write;
  readonly error: Write;
  /** A log whose lines all carry `bindings` too, e.g. `{ cluster: "east" }`. */
  child(bindings: Readonly<Record<string, unknown>>): Log;
}

export type LogLevel = "debug" | "info" | "warn" | "error" | "silent";

export interface LogOptions {
  readonly level: LogLevel;
  /** Lines for a person rather than JSON: true when the stream is a terminal. */
  readonly pretty: boolean;
  /** Where lines go; standard error unless told, for standard output is for results. */
  readonly stream?: NodeJS.WritableStream;
}

/** Makes the log of a process. JSON has `level` as a word and `time` in RFC 3339; an Error under `error` is spelled out. */
export function createLog({ level, pretty: forPeople, stream = process.stderr }: LogOptions): Log {
  return pino(
    {
      level,
      base: null,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { error: pino.stdSerializers.err },
      timestamp: pino.stdTimeFunctions.isoTime,
    },
    forPeople ? pretty.build({ destination: stream, errorLikeObjectKeys: ["error"] }) : stream,
  );
}
