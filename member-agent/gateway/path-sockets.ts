import type { Buffer } from "node:buffer";
import { createSocket } from "node:dgram";
import type { Socket } from "node:dgram";
import { familyOf } from "../../mesh/cidr.ts";
import type { Clock } from "../../platform/clock.ts";
import { HEARTBEAT_PORT } from "../../tunnel/marks.ts";

/** Told of each datagram: the own address it came to, the address it came from. */
export type OnDatagram = (to: string, from: string, bytes: Buffer) => void;

/** An address that is not there yet is tried again after this. */
const RETRY_MS = 1_000;
/** A datagram that finds a detour through another gateway would say "well" of a tunnel that is not. */
const TTL = 1;

/** UDP sockets at the heartbeat port of this node's health addresses. Addresses come and go; so do their sockets. */
export class PathSockets {
  readonly #clock: Clock;
  readonly #onDatagram: OnDatagram;
  readonly #open = new Map<string, Socket>();
  readonly #bound = new Set<string>();
  readonly #retryMs = new Map<string, number>();

  constructor(clock: Clock, onDatagram: OnDatagram) {
    this.#clock = clock;
    this.#onDatagram = onDatagram;
  }

  /** Has a socket on each of these addresses that is there, and on no other. */
  keep(addresses: ReadonlySet<string>): void {
    for (const address of this.#open.keys()) if (!addresses.has(address)) void this.#drop(address);
    for (const address of addresses) {
      const isDue = this.#clock.monotonic() >= (this.#retryMs.get(address) ?? 0);
      if (!this.#open.has(address) && isDue) this.#bind(address);
    }
  }

  /** Sends, if it can: a datagram that is lost here is lost as one on the way is. */
  send(from: string, to: string, bytes: Buffer): void {
    if (this.#bound.has(from)) this.#open.get(from)?.send(bytes, HEARTBEAT_PORT, to, () => undefined);
  }

  async close(): Promise<void> {
    await Promise.all([...this.#open.keys()].map((address) => this.#drop(address)));
  }

  #bind(address: string): void {
    const socket = createSocket({ type: familyOf(address) === 6 ? "udp6" : "udp4" });
    this.#open.set(address, socket);
    this.#retryMs.set(address, this.#clock.monotonic() + RETRY_MS);
    socket.on("error", () => {
      if (this.#open.get(address) === socket) void this.#drop(address);
    });
    socket.on("message", (bytes, sender) => {
      if (sender.port === HEARTBEAT_PORT) this.#onDatagram(address, sender.address, bytes);
    });
    socket.bind({ address, port: HEARTBEAT_PORT, exclusive: true }, () => {
      if (this.#open.get(address) !== socket) return;
      socket.setTTL(TTL);
      this.#bound.add(address);
    });
  }

  #drop(address: string): Promise<void> {
    const socket = this.#open.get(address);
    this.#open.delete(address);
    this.#bound.delete(address);
    return socket === undefined ? Promise.resolve() : new Promise((resolve) => socket.close(() => resolve()));
  }
}
