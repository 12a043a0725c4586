import { ipBlockKind } from "../../crds/ip-block.ts";
import { ipInstanceKind } from "../../crds/ip-instance.ts";
import type { Binding } from "../ipam/binding.ts";
import { AddressBook } from "../ipam/book.ts";
import { AddressStock } from "../ipam/stock.ts";
import { network } from "../../mesh/ipam/testing/objects.ts";
import type { IPInstance, Subnet } from "../../mesh/ipam/resources.ts";
import { objectNameOfCidr } from "../../mesh/names.ts";
import { systemClock } from "../../platform/clock.ts";
import type { ResourceStore } from "../../platform/store/port.ts";
import { memoryStore } from "../../platform/testing/memory-store.ts";
import type { MemoryClient, Pause } from "../../platform/testing/memory-store.ts";
import { silent, withFolder } from "./folder.ts";

/** Node "a" of a cluster in memory, which knows of the store what it is told: its level may lag behind. */
export interface StockWorld {
  /** As the admin's client. */
  readonly store: ResourceStore;
  /** The node's own connection. */
  readonly client: MemoryClient;
  readonly stock: AddressStock;
  /** Stores an address, and has the node hear of it. */
  readonly put: (of: IPInstance) => Promise<void>;
  /** Stores a block, of which the node hears by {@link StockWorld.follow}. */
  readonly putBlock: (cidr: string, node: string) => Promise<void>;
  /** What the node knows once it starts again, before it heard of the store. */
  readonly restart: () => Promise<AddressStock>;
  /** Takes over what the store says of blocks now. @returns what `AddressStock.follow` does */
  readonly follow: (subnets?: readonly Subnet[]) => Promise<ReturnType<AddressStock["follow"]>>;
}

/** @param pause of the node's connection */
export async function withStock(
  subnets: readonly Subnet[],
  use: (world: StockWorld) => Promise<void>,
  pause?: Pause,
): Promise<void> {
  await withFolder(async (folder) => {
    let book = await AddressBook.open(folder, silent);
    const stock = new AddressStock("a", book);
    const server = memoryStore({ clock: systemClock, log: silent });
    const { store } = server.connect();
    const client = server.connect(pause);
    stock.store = client.store;
    const networks = [network("overlay"), network("lan", { type: "Underlay" })];
    let present = subnets;
    const follow = async (next = present): Promise<ReturnType<AddressStock["follow"]>> => {
      present = next;
      const blocks = await store.list(ipBlockKind);
      return stock.follow({
        networks,
        subnets: present,
        blocks,
        node: { name: "a", labels: {} },
        nodeAddresses: new Map(),
      });
    };
    const put = async ({ metadata: { name }, spec }: IPInstance): Promise<void> => {
      const object = await store.create(ipInstanceKind, { metadata: { name }, spec });
      stock.index.note({ op: "put", name, object });
    };
    const putBlock = async (cidr: string, node: string): Promise<void> => {
      const spec = { cidr, node, purpose: "Pods" } as const;
      await store.create(ipBlockKind, { metadata: { name: objectNameOfCidr(cidr) }, spec });
    };
    const restart = async (): Promise<AddressStock> => {
      await book.close();
      book = await AddressBook.open(folder, silent);
      return new AddressStock("a", book);
    };
    await follow();
    try {
      await use({ store, client, stock, put, putBlock, follow, restart });
    } finally {
      await book.close();
    }
  });
}

/** Of a pod by that name, in a sandbox by that name. */
export function bindingOf(address: string, name: string, of: Partial<Binding> = {}): Binding {
  return {
    address,
    subnet: "pods",
    network: "overlay",
    type: "Overlay",
    pod: { namespace: "shop", name, uid: `uid-${name}` },
    attachment: { sandbox: name, interface: "eth0" },
    retained: false,
    claimed: false,
    ...of,
  };
}
