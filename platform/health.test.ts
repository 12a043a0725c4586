import { expect, test } from "@jest/globals";
import { serveHealth } from "./health.ts";

test("health and readiness are told apart, and the port is free again afterwards", async () => {
  const controller = new AbortController();
  let ready = false;
  const options = { host: "127.0.0.1", port: 0, healthy: () => true, ready: () => ready };
  const { port, done } = await serveHealth(options, controller.signal);
  const status = async (path: string) => (await fetch(`http://127.0.0.1:${port}${path}`)).status;
  expect(await status("/healthz")).toBe(200);
  expect(await status("/readyz")).toBe(503);
  ready = true;
  expect(await status("/readyz")).toBe(200);
  expect(await status("/")).toBe(404);

  await expect(serveHealth({ ...options, port }, controller.signal)).rejects.toMatchObject({ code: "bad-listen" });
  controller.abort();
  await done;
  await expect(status("/healthz")).rejects.toThrow("fetch failed");
});
