import { expect, test } from "@jest/globals";
import { parseDump } from "./dump.ts";

const OWN = "KOTUEa/5PeV2SCH2XGibmdv+7ADSHYHwsY/WFn/2Z1A=";
const PUBLIC = "ItVuuB96NcIvVqUHm9iR6Lb7xfvBY4s8vUkRZ4sb3Fo=";
const PEER = "ykYQt7Ezlo4if32LZhl9Tqu2Md5DiZwNZUQWtDnkyDc=";

test("a new interface has neither key nor mark nor peers", () => {
  expect(parseDump("trs0-0", "(none)\t(none)\t34178\toff\n")).toEqual({
    name: "trs0-0",
    privateKey: undefined,
    publicKey: undefined,
    listenPort: 34178,
    fwmark: 0,
    peers: [],
  });
});

test.each([
  [
    `${PEER}\t(none)\t10.0.0.2:51820\t10.2.0.0/16,fd00:2::/48\t1795250000\t92\t148\t25`,
    {
      endpoint: "10.0.0.2:51820",
      allowedIPs: ["10.2.0.0/16", "fd00:2::/48"],
      latestHandshake: 1_795_250_000,
      rxBytes: 92,
      txBytes: 148,
      persistentKeepalive: 25,
    },
  ],
  [
    `${PEER}\t(none)\t[fd00::3]:51821\t(none)\t0\t0\t0\toff`,
    { endpoint: "[fd00::3]:51821", allowedIPs: [], latestHandshake: 0, rxBytes: 0, txBytes: 0, persistentKeepalive: 0 },
  ],
  [
    `${PEER}\t(none)\t(none)\t10.3.0.0/16\t0\t0\t0\toff`,
    {
      endpoint: undefined,
      allowedIPs: ["10.3.0.0/16"],
      latestHandshake: 0,
      rxBytes: 0,
      txBytes: 0,
      persistentKeepalive: 0,
    },
  ],
])("peer line %j", (line, expected) => {
  const { peers, ...device } = parseDump("trs0-0", `${OWN}\t${PUBLIC}\t51820\t0x7e5\n${line}\n`);
  expect(device).toEqual({ name: "trs0-0", privateKey: OWN, publicKey: PUBLIC, listenPort: 51820, fwmark: 0x7e5 });
  expect(peers).toEqual([{ publicKey: PEER, ...expected }]);
});

test.each(["", "a\tb\n", `${OWN}\t${PUBLIC}\t51820\toff\n${PEER}\t(none)\n`])("%j is not understood", (dump) => {
  expect(() => parseDump("trs0-0", dump)).toThrow(/wg show trs0-0 dump/);
});
