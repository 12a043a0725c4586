import { isIP } from "node:net";
import { readAddress } from "../mesh/typed-cidr.ts";

/** Where a gateway is dialled: an address or a DNS name. */

const LABEL = /^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?$/i;

/**
 * A name that can be looked up (RFC 1123, section 2.1): labels joined by dots, the last of them no number, for that would
 * be an address that was mistyped.
 */
export function isHostName(text: string): boolean {
  const labels = text.replace(/\.$/, "").split(".");
  const last = labels.at(-1) ?? "";
  return text.length <= 253 && labels.every((label) => LABEL.test(label)) && !/^\d+$/.test(last);
}

/** What was typed, as it is announced, or what is wrong with it. */
export function readEndpoint(
  typed: string,
): { readonly value: string; readonly fault?: never } | { readonly fault: string; readonly value?: never } {
  const text = typed.trim();
  const [, bracketed, host] = /^(?:\[(.+)\]|([^:]+)):\d*$/.exec(text) ?? [];
  const withoutPort = bracketed ?? host;
  if (withoutPort !== undefined) {
    return {
      fault: `${text} has a port; write ${withoutPort} alone, others dial it at the ports that follow --wireguard-port`,
    };
  }
  if (isIP(text) === 0 && isHostName(text)) return { value: text.toLowerCase().replace(/\.$/, "") };
  const { value } = readAddress(text);
  if (value === undefined)
    return {
      fault: `${JSON.stringify(text)} is neither an IP address nor a DNS name, such as 192.0.2.7 or gw.example.org`,
    };
  const elsewhere = NOT_DIALLED.find(({ like }) => like.test(value));
  return elsewhere ? { fault: `${value} ${elsewhere.why}` } : { value };
}

const NOT_DIALLED = [
  { like: /^(0\.0\.0\.0|::)$/, why: "is no address that others can dial; name the one they reach this machine at" },
  { like: /^(127\.|::1$)/, why: "is every machine's own; name the address that others reach this machine at" },
  { like: /^fe80:/, why: "is valid on one LAN only; name an address that other sites can dial" },
] as const;
