import type { Place } from "../../../lab/place.ts";

/** What a node's kernel holds of ours, in so few looks that it can be asked many times a second. */
const SCRIPT = `
  ip -4 -o route show proto 174
  ip -6 -o route show proto 174
  ip nexthop show proto 174
  ip -br address show | grep '^trs' | tr -s ' '
  wg show all dump | cut -f 1,3-5
  nft -s list table inet trestle 2>&1
  true`;

/** As sorted lines: equal to what it was before, nothing is missing and nothing too many. */
export async function heldBy({ run }: Place): Promise<readonly string[]> {
  return (await run("sh", ["-c", SCRIPT])).split("\n").toSorted();
}

/** Deletes all routes of ours in both families, backstops and all: `ip route flush proto 174` stops at the first that has a nexthop object. */
export const FLUSH_ROUTES = String.raw`
  for family in 4 6; do
    ip -$family -o route show proto 174 |
      sed 's/\\.*//; s/ nhid [0-9]* dev [^ ]*//; s/ nhid [0-9]*//; s/ pref .*//; s/^/route delete /' |
      ip -$family -force -batch -
  done
  test -z "$(ip -4 route show proto 174; ip -6 route show proto 174)"`;
