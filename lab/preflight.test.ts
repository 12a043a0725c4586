import { expect, test } from "@jest/globals";
import { preflight } from "./preflight.ts";

test("a machine without the programs is told all that is missing, and how to get it, in one sentence", () => {
  expect(() => preflight("/nonexistent", { iperf3: "iperf3" })).toThrow(
    /^this machine can't run a lab: .*ip, nsenter, sysctl, nft, wg, iperf3 not found \(apt install iproute2 util-linux procps nftables wireguard-tools iperf3\)/,
  );
});

test("a machine that has all passes", () => {
  expect(() => preflight(process.env["PATH"] ?? "")).not.toThrow();
});
