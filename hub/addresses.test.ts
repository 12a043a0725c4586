import { expect, test } from "@jest/globals";
import { hubAddresses } from "./addresses.ts";
import type { HubAddresses } from "./addresses.ts";
import { hubSettings } from "./settings.ts";

const addresses = (settings: object, machine: readonly string[] = []): HubAddresses =>
  hubAddresses(hubSettings.parse({ state: "/s", ...settings }), machine);

test.each<[string, object, readonly string[], HubAddresses]>([
  [
    "every address of the machine",
    { listen: "0.0.0.0:4222" },
    ["192.0.2.1", "2001:db8::1"],
    {
      own: ["tls://127.0.0.1:4222"],
      advertised: ["tls://192.0.2.1:4222", "tls://[2001:db8::1]:4222"],
      certified: ["127.0.0.1", "192.0.2.1", "2001:db8::1"],
    },
  ],
  [
    "one address",
    { listen: "192.0.2.7:4333" },
    ["10.0.0.1"],
    { own: ["tls://192.0.2.7:4333"], advertised: ["tls://192.0.2.7:4333"], certified: ["192.0.2.7"] },
  ],
  [
    "an IPv6 address",
    { listen: "[fd00::7]:4222" },
    [],
    { own: ["tls://[fd00::7]:4222"], advertised: ["tls://[fd00::7]:4222"], certified: ["fd00::7"] },
  ],
  [
    "what is advertised instead",
    { listen: "0.0.0.0:4222", advertise: ["tls://hub.example:443"] },
    ["192.0.2.1"],
    { own: ["tls://127.0.0.1:4222"], advertised: ["tls://hub.example:443"], certified: ["127.0.0.1", "hub.example"] },
  ],
  [
    "a NATS of its own",
    { nats: ["tls://nats.example:4222"] },
    ["192.0.2.1"],
    { own: ["tls://nats.example:4222"], advertised: ["tls://nats.example:4222"], certified: ["nats.example"] },
  ],
])("a hub is dialled at %s", (_, settings, machine, expected) => {
  expect(addresses(settings, machine)).toEqual(expected);
});

test("a machine without an address asks for one to advertise", () => {
  expect(() => addresses({ listen: "0.0.0.0:4222" })).toThrow(
    expect.objectContaining({ code: "bad-listen", message: expect.stringContaining("--advertise") }),
  );
});
