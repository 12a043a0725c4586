import { once } from "node:events";
import { createConnection, createServer } from "node:net";
import type { AddressInfo, Socket } from "node:net";

/** A connection to another probe, which sends back what it gets. */
export interface Echo extends Disposable {
  /** Our address as the other side sees it. */
  readonly source: string;
  /** Sends and resolves with as many bytes as came back. */
  exchange(payload: Buffer): Promise<Buffer>;
}

/** Answers on a free TCP port: one line with the caller's address, then all that it sends. */
export async function listenTCP(): Promise<number> {
  const server = createServer((socket) => {
    socket.on("error", () => socket.destroy());
    socket.setNoDelay(true);
    socket.write(`${socket.remoteAddress ?? "unknown"}\n`);
    socket.pipe(socket);
  });
  server.listen({ port: 0 });
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

/** @throws Error that says how far it came, when there is no answer within `limitMs` in all */
export async function connectTCP(address: string, port: number, limitMs: number): Promise<Echo> {
  const socket = createConnection({ host: address, port, noDelay: true });
  const reader = readExactly(socket);
  const timer = setTimeout(() => socket.destroy(new Error(`no answer by TCP in ${limitMs} ms`)), limitMs);
  const dispose = (): void => {
    clearTimeout(timer);
    socket.destroy();
  };
  try {
    return {
      source: await reader.line(),
      exchange: (payload) => (socket.write(payload), reader.bytes(payload.length)),
      [Symbol.dispose]: dispose,
    };
  } catch (error) {
    dispose();
    throw error;
  }
}

/** Reads a socket in pieces of known length; one reader at a time. */
function readExactly(socket: Socket): { line(): Promise<string>; bytes(count: number): Promise<Buffer> } {
  let parts: Buffer[] = [];
  let held = 0;
  let failure: Error | undefined;
  let wake = (): void => undefined;
  socket.on("data", (part: Buffer) => {
    parts.push(part);
    held += part.length;
    wake();
  });
  socket.on("error", (error) => (failure = error));
  socket.on("close", () => {
    failure ??= new Error("the connection was closed before all came back");
    wake();
  });
  const until = async (enough: () => boolean): Promise<Buffer> => {
    while (!enough()) {
      if (failure) throw failure;
      await new Promise<void>((woken) => (wake = woken));
    }
    const all = Buffer.concat(parts);
    parts = [];
    held = 0;
    return all;
  };
  const keep = (rest: Buffer): void => {
    if (rest.length === 0) return;
    parts = [rest];
    held = rest.length;
  };
  return {
    line: async () => {
      const all = await until(() => parts.some((part) => part.includes("\n")));
      const end = all.indexOf("\n");
      keep(all.subarray(end + 1));
      return all.subarray(0, end).toString();
    },
    bytes: async (count) => {
      const all = await until(() => held >= count);
      keep(all.subarray(count));
      return all.subarray(0, count);
    },
  };
}
