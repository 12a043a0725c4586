import { expect, test } from "@jest/globals";
import { parseCidr } from "./cidr.ts";
import { reservedRefusal } from "./reserved.ts";

test.each([
  ["127.0.0.0/8", "loopback"],
  ["127.1.2.0/24", "loopback"],
  ["126.0.0.0/7", "loopback"],
  ["169.254.169.254/32", "link-local"],
  ["239.0.0.0/8", "multicast"],
  ["255.255.255.255/32", "reserved"],
  ["0.0.0.0/0", "this network"],
  ["::1/128", "unspecified and loopback"],
  ["::ffff:a00:0/104", "IPv4 mapped into IPv6"],
  ["fe80::1/128", "link-local"],
  ["ff02::/16", "multicast"],
])("%s can be nobody's: %s", (cidr, meaning) => {
  expect(reservedRefusal(parseCidr(cidr))).toMatchObject({
    code: "bad-cidr",
    message: expect.stringContaining(`(${meaning})`),
  });
});

test.each(["10.0.0.0/8", "100.64.0.0/10", "172.16.0.0/12", "192.168.0.0/16", "8.0.0.0/8", "fd00::/8", "2001:db8::/32"])(
  "%s can be somebody's",
  (cidr) => {
    expect(reservedRefusal(parseCidr(cidr))).toBeUndefined();
  },
);
