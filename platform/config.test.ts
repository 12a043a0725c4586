import { describe, expect, test } from "@jest/globals";
import { z } from "zod";
import { readConfig } from "./config.ts";

const schema = z.object({
  stateFolder: z.string(),
  natsURL: z.url().optional(),
  listenPort: z.coerce.number().int().max(65_535).default(4222),
  roles: z.array(z.enum(["gateway", "node"])).default(["node"]),
});

describe("the configuration", () => {
  test("comes from flags before the environment before defaults", () => {
    const env = { TRESTLE_STATE_FOLDER: "/env", TRESTLE_NATS_URL: "nats://hub:4222", PATH: "/bin" };
    expect(readConfig(schema, { flags: { stateFolder: "/flag", natsURL: undefined }, env })).toEqual({
      stateFolder: "/flag",
      natsURL: "nats://hub:4222",
      listenPort: 4222,
      roles: ["node"],
    });
  });

  test("lists every fault at once, by the names a person can set", () => {
    const read = () =>
      readConfig(schema, {
        flags: { roles: ["gateway", "king"] },
        env: { TRESTLE_LISTEN_PORT: "70000", TRESTLE_NATS_URL: "?" },
      });
    expect(read).toThrow(expect.objectContaining({ code: "bad-config", retry: false }));
    expect(read).toThrow(/--state-folder \(TRESTLE_STATE_FOLDER\): is required/);
    expect(read).toThrow(/--nats-url \(TRESTLE_NATS_URL\): Invalid URL/);
    expect(read).toThrow(/--listen-port \(TRESTLE_LISTEN_PORT\): Too big/);
    expect(read).toThrow(/--roles \(TRESTLE_ROLES\) at 1: Invalid option/);
  });

  test("a rule over several fields is told without a name", () => {
    const pair = z
      .object({ a: z.string().optional(), b: z.string().optional() })
      .refine(({ a, b }) => a !== b, "a and b must differ");
    expect(() => readConfig(pair, { flags: { a: "x" }, env: { TRESTLE_B: "x" } })).toThrow(
      /^.*\n {2}a and b must differ$/,
    );
  });
});
