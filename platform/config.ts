import { z } from "zod";
import { MeshError } from "./errors.ts";

/** What a command line gave, by camelCase name; absent or undefined: not given. */
export type Flags = Readonly<Record<string, unknown>>;

export interface ConfigSources {
  readonly flags: Flags;
  readonly env: Readonly<Record<string, string | undefined>>;
}

const PREFIX = "TRESTLE_";

/**
 * A process's configuration, read once at its start: each field of `schema` from its flag, else from the environment
 * (`natsURL` is `--nats-url` and `TRESTLE_NATS_URL`). Environment values are text: coerce in the schema.
 * @throws MeshError `bad-config` that lists every fault, each with the names a person can set
 */
export function readConfig<Schema extends z.ZodObject>(schema: Schema, { flags, env }: ConfigSources): z.infer<Schema> {
  const values = Object.fromEntries(
    Object.keys(schema.shape).map((field) => [field, flags[field] ?? env[envName(field)]]),
  );
  const parsed = schema.safeParse(values);
  if (parsed.success) return parsed.data;
  const faults = parsed.error.issues.map(({ path, message }) => {
    const [field, ...inside] = path;
    if (field === undefined) return `  ${message}`;
    const where = inside.length === 0 ? "" : ` at ${inside.join(".")}`;
    const missing = values[String(field)] === undefined;
    return `  ${flagName(String(field))} (${envName(String(field))})${where}: ${missing ? "is required" : message}`;
  });
  throw new MeshError("bad-config", ["the configuration has faults:", ...faults].join("\n"), { retry: false });
}

/** A list that a flag gives as words and the environment as one text with commas. */
export function commaList<Item extends z.ZodType>(item: Item) {
  const split = (value: unknown): unknown => (typeof value === "string" ? value.split(",").filter(Boolean) : value);
  return z.preprocess(split, z.array(item));
}

/** `natsURL` as it is typed: `--nats-url`. */
function flagName(field: string): string {
  return `--${words(field).join("-")}`;
}

/** `natsURL` in the environment: `TRESTLE_NATS_URL`. */
function envName(field: string): string {
  return PREFIX + words(field).join("_").toUpperCase();
}

function words(field: string): string[] {
  return field
    .replaceAll(/([a-z0-9])([A-Z])/g, "$1 $2")
    .replaceAll(/([A-Z])([A-Z][a-z])/g, "$1 $2")
    .toLowerCase()
    .split(" ");
}
