import { jetstreamManager } from "@nats-io/jetstream";
import type { StreamConfig } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/nats-core";
import type { Clock } from "../clock.ts";
import { changeSubjectOf, streamOf, subjectOf } from "./entry.ts";
import { CALL_LIMIT_MS, isOtherConfiguration, persistently } from "./jetstream-call.ts";

export interface StoreBucketOptions {
  readonly connection: NatsConnection;
  /** Of letters, digits, dashes and underscores. */
  readonly bucket: string;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/**
 * Makes the bucket unless it is there, or brings its settings up to date.
 * @throws MeshError `store-unreachable`
 */
export async function createStoreBucket({ connection, bucket, clock, signal }: StoreBucketOptions): Promise<void> {
  const manager = await jetstreamManager(connection, { checkAPI: false, timeout: CALL_LIMIT_MS });
  const config: Partial<StreamConfig> & { readonly name: string } = {
    name: streamOf(bucket),
    subjects: [subjectOf(bucket, ">")],
    storage: "file",
    max_msgs_per_subject: 1,
    discard: "new",
    allow_direct: true,
    allow_rollup_hdrs: true,
    deny_delete: true,
    allow_msg_ttl: true,
    republish: { src: subjectOf(bucket, ">"), dest: changeSubjectOf(bucket, ">") },
  };
  await persistently(`making bucket ${bucket}`, { clock, signal }, async () => {
    try {
      await manager.streams.add(config);
    } catch (error) {
      if (!isOtherConfiguration(error)) throw error;
      await manager.streams.update(config.name, config);
    }
  });
}
