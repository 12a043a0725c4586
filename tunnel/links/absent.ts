import { MESH_DEVICE } from "../marks.ts";
import type { DataPath, Nexthop, Route } from "../state.ts";

/**
 * A data path without anything on devices that are not there, or are another's: a nexthop out of such a device takes
 * none of its group along, and a prefix that no other device leads to is left to its backstop.
 */
export function withoutDevices(want: DataPath, absent: ReadonlySet<string>): DataPath {
  if (absent.size === 0) return want;
  const isThere = ({ name }: { readonly name: string }): boolean => !absent.has(name);
  const nexthops = nexthopsWithout(want.nexthops, absent);
  const left = new Set(nexthops.map(({ id }) => id));
  const isMeshThere = !absent.has(MESH_DEVICE);
  return {
    ...want,
    wireGuard: want.wireGuard.filter(isThere),
    vxlan: want.vxlan.filter(isThere),
    meshAddresses: isMeshThere ? want.meshAddresses : [],
    nexthops,
    routes: want.routes
      .flatMap((route) => routeWithout(route, absent, left))
      // A source has to be an address of this machine; without one, packets that only pass it still find their way.
      .map((route) => (isMeshThere ? route : { ...route, src: undefined })),
    sysctls: want.sysctls.filter(({ key }) => !absent.has(deviceOf(key) ?? "")),
  };
}

function nexthopsWithout(nexthops: readonly Nexthop[], absent: ReadonlySet<string>): Nexthop[] {
  const gone = new Set(
    nexthops.flatMap((nexthop) => ("group" in nexthop || !absent.has(nexthop.device) ? [] : [nexthop.id])),
  );
  return nexthops.flatMap((nexthop): Nexthop[] => {
    if (gone.has(nexthop.id)) return [];
    if (!("group" in nexthop)) return [nexthop];
    const group = nexthop.group.filter((id) => !gone.has(id));
    return group.length === 0 ? [] : [{ ...nexthop, group }];
  });
}

/** @param left ids of the nexthops that are left */
function routeWithout(route: Route, absent: ReadonlySet<string>, left: ReadonlySet<number>): Route[] {
  const { target } = route;
  switch (target.kind) {
    case "unreachable":
      return [route];
    case "device":
      return absent.has(target.device) ? [] : [route];
    case "nexthop":
      return left.has(target.id) ? [route] : [];
    case "multipath": {
      const hops = target.hops.filter(({ device }) => !absent.has(device));
      return hops.length === 0 ? [] : [{ ...route, target: { ...target, hops } }];
    }
  }
}

/** The device in `net.ipv4.conf.DEVICE.rp_filter`. */
function deviceOf(key: string): string | undefined {
  return /^net\.ipv[46]\.(?:conf|neigh)\.(.+)\.[^.]+$/.exec(key)?.[1];
}
