import { isIP } from "node:net";
import { endpointRefusal, isHostName } from "../mesh/endpoint.ts";
import { readAddress } from "../mesh/typed-cidr.ts";

/** What was typed of where a gateway is dialled, as it is announced, or what is wrong with it. */
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
  const refusal = endpointRefusal(value);
  return refusal ? { fault: refusal.message } : { value };
}
