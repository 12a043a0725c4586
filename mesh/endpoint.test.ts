import { expect, test } from "@jest/globals";
import { endpointRefusal, isHostName } from "./endpoint.ts";

test("a name that no resolver would take is none", () => {
  expect(isHostName(`${"a".repeat(64)}.example`)).toBe(false);
  expect(isHostName(`${"a.".repeat(127)}example`)).toBe(false);
  expect(isHostName("a..b")).toBe(false);
  expect(isHostName("-a.example")).toBe(false);
});

test.each(["192.0.2.7", "10.0.0.1", "2001:db8::7", "fd00::1", "gw.example.org", "gateway"])(
  "%s can be dialled",
  (text) => {
    expect(endpointRefusal(text)).toBeUndefined();
  },
);

test.each([
  ["", "neither an IP address nor a DNS name"],
  ["192.0.2.7:51820", "neither"],
  ["192.0.2.0/24", "neither"],
  [" 192.0.2.7", "neither"],
  ["fe80::1%eth0", "neither"],
  ["::ffff:1.2.3.4", "neither"],
  ["a b", "neither"],
  ["-f", "neither"],
  ["0.0.0.0", "no address that others can dial"],
  ["::", "no address that others can dial"],
  ["127.0.0.1", "every machine's own"],
  ["::1", "every machine's own"],
  ["169.254.169.254", "one LAN only"],
  ["fe80::1", "one LAN only"],
  ["224.0.0.1", "not one machine's"],
  ["ff02::1", "not one machine's"],
  ["255.255.255.255", "not one machine's"],
  ["::ffff:102:304", "in disguise"],
  ["x".repeat(10_000), "…"],
])("nobody can dial %j: it is %s", (text, why) => {
  const refusal = endpointRefusal(text);
  expect(refusal).toMatchObject({ code: "bad-address", message: expect.stringContaining(why) });
  expect(refusal?.message.length).toBeLessThan(200);
});
