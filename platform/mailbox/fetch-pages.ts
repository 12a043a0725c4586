import type { NatsConnection } from "@nats-io/nats-core";
import { messageOf } from "../errors.ts";
import { pageSubject } from "../nats/subjects.ts";
import { directGet } from "./direct-get.ts";
import { openGate } from "./gate.ts";
import type { PageCache } from "./page-cache.ts";

const PAGES_AT_ONCE = 16;

/** Reads the pages that `cache` lacks into it; the reason of the first that could not be had, if any. */
export async function fetchPages(
  nc: NatsConnection,
  member: string,
  digests: readonly string[],
  cache: PageCache,
): Promise<string | undefined> {
  const enter = openGate(PAGES_AT_ONCE);
  const fetchOne = async (digest: string): Promise<string | undefined> => {
    const page = await directGet(nc, pageSubject(member, digest));
    if (page === undefined) return `page ${digest} is not there`;
    return cache.put(digest, page) ? undefined : `page ${digest} has other bytes than its digest names`;
  };
  const missing = new Set(digests.filter((digest) => cache.get(digest) === undefined));
  const reasons = await Promise.all([...missing].map((digest) => enter(() => fetchOne(digest).catch(messageOf))));
  return reasons.find((reason) => reason !== undefined);
}
