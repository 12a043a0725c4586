/**
 * Keys that the kernel changes by itself when another one is written; seen on 6.18 for every key we write. Not a sysctl,
 * and not undone: switching forwarding on also switches LRO off where a NIC has it (dev_disable_lro).
 */
interface SideEffects {
  /** Keys it changes, `*` for every device. */
  readonly keys: readonly string[];
  /** What becomes of one of those keys. */
  readonly makes: (key: string, written: string) => string;
}

const SIDE_EFFECTS: Readonly<Record<string, SideEffects>> = {
  // inet_forward_change in net/ipv4/devinet.c: a router heeds no redirects, and every device forwards or none.
  "net.ipv4.ip_forward": {
    keys: ["net.ipv4.conf.all.accept_redirects", "net.ipv4.conf.*.forwarding"],
    makes: (key, written) => (key.endsWith(".forwarding") ? written : written === "0" ? "1" : "0"),
  },
  // addrconf_fixup_forwarding in net/ipv6/addrconf.c. Any value but 0, on a device too, also deletes the default routes
  // that router advertisements made, but for devices whose accept_ra is 2.
  "net.ipv6.conf.all.forwarding": {
    keys: ["net.ipv6.conf.*.forwarding"],
    makes: (_key, written) => written,
  },
};

/** Patterns of the keys that a write to `key` changes; none for nearly all. */
export function disturbedBy(key: string): readonly string[] {
  return SIDE_EFFECTS[key]?.keys ?? [];
}

/** The key whose write changes `key`, if there is one. */
export function disturberOf(key: string): string | undefined {
  if (key === "net.ipv4.conf.all.accept_redirects") return "net.ipv4.ip_forward";
  const family = /^net\.(ipv[46])\.conf\.(?!all\.[^.]+$).+\.forwarding$/.exec(key)?.[1];
  return family && (family === "ipv4" ? "net.ipv4.ip_forward" : "net.ipv6.conf.all.forwarding");
}

/** What `key` holds once `value` was written to its disturber. */
export function madeOf(key: string, disturber: string, value: string): string {
  return SIDE_EFFECTS[disturber]?.makes(key, value) ?? value;
}

/** The key that a new device takes its value from: `net.ipv4.conf.default.forwarding` for that of any device. */
export function defaultOf(key: string): string {
  return key.replace(/\.conf\..+\.([^.]+)$/, ".conf.default.$1");
}
