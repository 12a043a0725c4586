import { expect, test } from "@jest/globals";
import { readCall } from "./call.ts";
import { refusing } from "./refusing.ts";
import { CONFIGURATION } from "./testing/plugin.ts";

/** A call as a runtime makes it, carried out by what refuses all. */
async function refusalOf(command: string): Promise<unknown> {
  const environment = { CNI_COMMAND: command, CNI_CONTAINERID: "s", CNI_IFNAME: "eth0", CNI_NETNS: "/run/netns/s" };
  const variables = Object.entries(environment).map(([name, value]) => `${name}=${value}\0`);
  const call = readCall(Buffer.from(`${variables.join("")}\0${JSON.stringify(CONFIGURATION)}`));
  const commands = refusing("the book is torn; restore it");
  switch (call.command) {
    case "ADD":
      return commands.add(call);
    case "DEL":
      return commands.del(call);
    case "CHECK":
      return commands.check(call);
    case "GC":
      return commands.gc(call);
    case "STATUS":
      return commands.status(call);
    case "VERSION":
      return undefined;
  }
}

test.each([
  ["ADD", 11],
  ["DEL", 11],
  ["CHECK", 11],
  ["GC", 11],
  ["STATUS", 50],
])("%s is told why, by code %i: a runtime asks again, and starts no pod meanwhile", async (command, code) => {
  await expect(refusalOf(command)).rejects.toMatchObject({ code, message: "the book is torn; restore it" });
});
