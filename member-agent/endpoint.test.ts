import { expect, test } from "@jest/globals";
import { readEndpoint } from "./endpoint.ts";

test.each([
  ["192.0.2.7", "192.0.2.7"],
  [" 2001:DB8:0:0::7 ", "2001:db8::7"],
  ["gw.Example.org.", "gw.example.org"],
  ["gateway", "gateway"],
  ["10-1-2-3.nip.example", "10-1-2-3.nip.example"],
])("%j is the endpoint %s", (typed, value) => {
  expect(readEndpoint(typed)).toEqual({ value });
});

test.each([
  ["192.0.2.7:51820", "has a port; write 192.0.2.7 alone"],
  ["[2001:db8::7]:51820", "has a port; write 2001:db8::7 alone"],
  ["gw.example.org:51820", "has a port; write gw.example.org alone"],
  ["192.0.2.300", "neither an IP address nor a DNS name"],
  ["192.0.2", "neither"],
  ["gw_.-.example", "neither"],
  ["", "neither"],
  ["a b", "neither"],
  ["192.0.2.0/24", "neither"],
  ["0.0.0.0", "is no address that others can dial"],
  ["::1", "is every machine's own"],
  ["127.0.0.2", "is every machine's own"],
  ["fe80::1", "is valid on one LAN only"],
  ["169.254.0.7", "is valid on one LAN only"],
  ["239.1.1.1", "is not one machine's"],
])("%j is refused: %s", (typed, fault) => {
  expect(readEndpoint(typed)).toEqual({ fault: expect.stringContaining(fault) });
});
