import type { Msg, NatsConnection } from "@nats-io/nats-core";
import { z } from "zod";
import { hubCalls } from "../crds/wire/hub-api.ts";
import type { HubCall } from "../crds/wire/hub-api.ts";
import type { Log } from "../platform/log.ts";
import { MeshError } from "../platform/errors.ts";
import { answer, serveSubject } from "./serve.ts";

/** What the hub does for each call; shapes are those of crds/wire/hub-api.ts. */
export type HubAPI = {
  readonly [Call in keyof typeof hubCalls]: (
    request: z.infer<(typeof hubCalls)[Call]["request"]>,
  ) => Promise<z.infer<(typeof hubCalls)[Call]["answer"]>>;
};

/** Answers the CLI until `signal` aborts. Only users of the HUB account reach these subjects. */
export async function serveHubAPI(nc: NatsConnection, api: HubAPI, log: Log, signal: AbortSignal): Promise<void> {
  const serve = <Request extends z.ZodType, Value extends z.ZodType>(
    call: HubCall<Request, Value>,
    work: (request: z.infer<Request>) => Promise<z.infer<Value>>,
  ): Promise<void> =>
    serveSubject(
      nc,
      call.subject,
      async (message) => {
        message.respond(JSON.stringify(await answer(log, "hub-call", async () => work(read(call, message)))));
      },
      signal,
    );
  await Promise.all([
    serve(hubCalls.createToken, api.createToken),
    serve(hubCalls.revokeToken, api.revokeToken),
    serve(hubCalls.deleteCluster, api.deleteCluster),
    serve(hubCalls.status, api.status),
    serve(hubCalls.trace, api.trace),
  ]);
}

function read<Request extends z.ZodType>(call: HubCall<Request, z.ZodType>, message: Msg): z.infer<Request> {
  const parsed = call.request.safeParse(parseJSON(message.string()));
  if (parsed.success) return parsed.data;
  throw new MeshError("bad-request", `${call.subject}: ${z.prettifyError(parsed.error)}`, { retry: false });
}

function parseJSON(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
