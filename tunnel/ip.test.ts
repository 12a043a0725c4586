import { expect, test } from "@jest/globals";
import { parseBatchFailures } from "./ip.ts";

test.each([
  ["nothing said", "", []],
  [
    "the kernel's answer",
    "RTNETLINK answers: File exists\nCommand failed -:7\n",
    [[7, "RTNETLINK answers: File exists"]],
  ],
  [
    "two answers, each with its line",
    'Error: Nexthop id does not exist.\nCommand failed -:8\nCannot find device "nonexist"\nCommand failed -:9\n',
    [
      [8, "Error: Nexthop id does not exist."],
      [9, 'Cannot find device "nonexist"'],
    ],
  ],
  [
    "an answer of two lines",
    "Error: a\nRTNETLINK answers: b\nCommand failed -:1\n",
    [[1, "Error: a; RTNETLINK answers: b"]],
  ],
  ["no answer", "Command failed -:2\n", [[2, "failed without a word"]]],
  ["a failure of ip itself", "Cannot open file\n", []],
])("failures of a batch are told by line: %s", (_what, stderr, expected) => {
  expect([...parseBatchFailures(stderr)]).toEqual(expected);
});
