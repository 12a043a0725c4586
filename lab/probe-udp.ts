import { createSocket } from "node:dgram";
import { once } from "node:events";
import { isIPv6 } from "node:net";

/** A lost datagram is nobody's fault: it is sent again after this long. */
const RESEND_MS = 250;

/** Sends every datagram back, on a free UDP port of both families where there are both. */
export async function listenUDP(): Promise<number> {
  const bound = await listen("udp6").catch(() => listen("udp4"));
  return bound.address().port;
}

async function listen(type: "udp4" | "udp6"): Promise<ReturnType<typeof createSocket>> {
  const socket = createSocket(type);
  socket.on("message", (datagram, from) => socket.send(datagram, from.port, from.address));
  socket.bind(0);
  await Promise.race([
    once(socket, "listening"),
    once(socket, "error").then(([error]) => Promise.reject(error as Error)),
  ]);
  // A caller that is gone again is not this side's fault.
  socket.on("error", () => undefined);
  return socket;
}

/** Sends a datagram until it comes back as it was. @throws Error after `limitMs` */
export async function exchangeDatagram(
  address: string,
  port: number,
  datagram: Buffer,
  limitMs: number,
): Promise<void> {
  const socket = createSocket(isIPv6(address) ? "udp6" : "udp4");
  const limit = AbortSignal.timeout(limitMs);
  const timer = setInterval(() => socket.send(datagram, port, address), RESEND_MS);
  try {
    await new Promise<void>((resolve, reject) => {
      limit.addEventListener("abort", () =>
        reject(new Error(`no answer to a datagram of ${datagram.length} bytes in ${limitMs} ms`)),
      );
      socket.on("error", () => undefined);
      socket.on("message", (back) =>
        back.equals(datagram)
          ? resolve()
          : reject(new Error(`a datagram of ${datagram.length} bytes came back changed`)),
      );
      socket.send(datagram, port, address);
    });
  } finally {
    clearInterval(timer);
    socket.close();
  }
}
