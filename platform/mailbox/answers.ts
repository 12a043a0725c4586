import { z } from "zod";
import type { Signer } from "../identity/signature.ts";
import { digestOf } from "./digest.ts";
import { openSigned, signText } from "./signed.ts";

const answer = z.object({ request: z.string(), value: z.unknown() });

/**
 * Signs what the hub answers to a request, which it names by digest: so that a server in between can neither make up an
 * answer nor give one that was meant for another question. `value` is anything JSON can hold.
 */
export function signAnswer(requestText: string, value: unknown, hub: Signer): string {
  return signText("answer", JSON.stringify({ request: digestOf(requestText), value }), hub);
}

/** What the hub said to this very request; undefined when the hub did not say it. */
export function openAnswer(
  requestText: string,
  answerText: string,
  hubKey: string,
): { readonly value: unknown } | undefined {
  const payload = openSigned("answer", answerText, hubKey);
  if (payload === undefined) return undefined;
  const { request, value } = answer.parse(JSON.parse(payload));
  return request === digestOf(requestText) ? { value } : undefined;
}
