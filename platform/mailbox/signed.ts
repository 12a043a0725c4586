import { isSignedBy } from "../identity/signature.ts";
import type { Signer } from "../identity/signature.ts";

/**
 * What a signature is for. It is signed along with the payload, so words said for one purpose are worth nothing for
 * another: a report can't be replayed as a leave request, nor a hub's answer as a head.
 */
export type SignedContext =
  /** Hub: the head of a member's mailbox. */
  | "head"
  /** Hub: the answer to one request, which it names by digest. */
  | "answer"
  /** Member: what it observed. */
  | "report"
  /** Bearer of a join token, over the member's own signed request. */
  | "join-token"
  | "join"
  | "renew"
  | "leave";

/** A payload, word for word as it was signed, and the signature. */
export interface SignedText {
  readonly payload: string;
  readonly signature: string;
}

/** On the wire: the signature (base64url), a line feed, the payload as it is: nothing is quoted, so nothing is re-written. */
const SEPARATOR = "\n";

/** Signs a payload; the result is the text that is sent and stored. */
export function signText(context: SignedContext, payload: string, signer: Signer): string {
  return signer.sign(signedBytes(context, payload)) + SEPARATOR + payload;
}

/** Takes a text apart without believing it: for when the payload has to tell whose key to ask for. */
export function parseSigned(text: string): SignedText | undefined {
  const end = text.indexOf(SEPARATOR);
  return end < 0 ? undefined : { signature: text.slice(0, end), payload: text.slice(end + SEPARATOR.length) };
}

/** The payload when the text was signed for this purpose by the holder of `publicKey`, else undefined. */
export function openSigned(context: SignedContext, text: string, publicKey: string): string | undefined {
  const signed = parseSigned(text);
  if (signed === undefined) return undefined;
  return isSignedBy(publicKey, signedBytes(context, signed.payload), signed.signature) ? signed.payload : undefined;
}

function signedBytes(context: SignedContext, payload: string): Buffer {
  return Buffer.from(`trestle ${context}\n${payload}`);
}
