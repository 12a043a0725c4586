/**
 * Things that go wrong on a machine, as scripts of sh; where there is nothing to damage they do nothing, and one may fall
 * on what another left.
 */

const WIREGUARD = ["trs0-0", "trs0-1"];
const VXLAN = ["trsvx", "trnvx6"];
const DEVICES = [...WIREGUARD, ...VXLAN, "trsmesh"];
const NEXTHOPS = [4000, 4001, 4101, 4300, 4401, 5000, 5001, 5300, 5301];

const links = [
  ...DEVICES.flatMap((device) => [
    `ip link delete dev ${device}`,
    `ip link set dev ${device} down`,
    `ip link set dev ${device} addrgenmode eui64`,
  ]),
  ...[...WIREGUARD, ...VXLAN].map((device) => `ip link set dev ${device} mtu 1300`),
];

const wireGuard = WIREGUARD.flatMap((device) => {
  const peer = `peer "$(wg show ${device} peers)"`;
  return [
    // Its device goes a moment later, and no sync can tell that it will.
    `kill -9 $(pgrep --ns $$ --nslist net -f '[w]ireguard-go ${device}') && while ip link show dev ${device}; do :; done`,
    `wg set ${device} ${peer} remove`,
    `wg set ${device} ${peer} allowed-ips ''`,
    `wg set ${device} ${peer} allowed-ips 10.99.0.0/16 persistent-keepalive 33`,
    `wg set ${device} ${peer} endpoint 192.0.2.99:9`,
    `wg set ${device} peer "$(wg genkey | wg pubkey)" allowed-ips 10.98.0.0/16`,
    `wg set ${device} listen-port 5 fwmark 0`,
    `wg genkey | wg set ${device} private-key /dev/stdin`,
  ];
});

const vxlan = VXLAN.flatMap((device) => [
  `bridge fdb delete 02:00:00:00:03:00 dev ${device}`,
  `bridge fdb replace 02:00:00:00:03:00 dev ${device} dst 192.0.2.99`,
  `bridge fdb append 02:00:00:00:09:09 dev ${device} dst 192.0.2.99`,
  `bridge fdb append 00:00:00:00:00:00 dev ${device} dst 192.0.2.99`,
  `ip neigh delete 10.103.255.1 dev ${device}`,
  `ip neigh replace 10.103.255.1 dev ${device} lladdr 02:00:00:00:09:09 nud permanent`,
  `ip neigh replace fe80::ff:fe00:300 dev ${device} lladdr 02:00:00:00:09:09 nud reachable`,
  `ip neigh add 10.103.255.99 dev ${device} lladdr 02:00:00:00:09:09 nud permanent`,
  `ip neigh flush dev ${device} nud all`,
  `ip link set dev ${device} type vxlan learning`,
  `ip link set dev ${device} address 02:00:00:00:09:0a`,
  `ip link set dev ${device} arp on`,
  `ip link delete dev ${device} && ip link add dev ${device} type vxlan id 9 dstport 9 && ip link set dev ${device} alias trestle`,
]);

const addresses = [
  "ip address delete 10.101.255.1/32 dev trsmesh",
  "ip address flush dev trsmesh",
  "ip address add 10.101.255.9/32 dev trsmesh",
];

const nexthops = [
  ...NEXTHOPS.map((id) => `ip nexthop delete id ${id}`),
  "ip nexthop flush proto 174",
  "ip nexthop replace id 4000 via 192.0.2.9 dev eth0 proto 174",
  "ip nexthop replace id 5000 group 4000,3 proto 174",
  "ip nexthop replace id 5300 group 4000 proto 174",
  "ip nexthop delete id 5000; ip nexthop add id 5000 via 192.0.2.9 dev eth0 proto 174",
  "ip nexthop delete id 4000; ip nexthop add id 4000 via 2001:db8::9 dev eth0 proto 174",
  "ip nexthop add id 4999 blackhole proto 174",
];

const routes = [
  ...["10.102.0.0/16", "10.202.0.0/24", "10.103.0.0/16", "10.102.255.1/32", "10.101.7.0/24", "fd65:2::/48"].map(
    (prefix) => `ip route delete ${prefix} proto 174`,
  ),
  "ip route delete unreachable 10.102.0.0/16 metric 9999",
  "ip route delete unreachable fd65:3::/48 metric 9999",
  "ip -4 route flush proto 174",
  "ip -6 route flush proto 174",
  "ip route replace 10.102.0.0/16 via 192.0.2.9 proto 174",
  "ip route replace 10.103.0.0/16 nhid 5300 mtu lock 1200 proto 174",
  "ip route replace 10.101.7.0/24 nexthop via 192.0.2.7 weight 3 nexthop via 192.0.2.8 proto 174",
  "ip route replace fd65:1:0:7::/64 via 2001:db8::9 proto 174",
  "ip route replace fd65:2::/48 via 2001:db8::9 metric 1024 proto 174",
  "ip route append 10.102.0.0/16 via 192.0.2.9 proto 174",
  "ip route prepend 10.102.0.0/16 via 192.0.2.9 proto 174",
  "ip route append unreachable fd65:2::/48 proto 174",
  "ip route add 10.77.0.0/16 via 192.0.2.9 proto 174",
  "ip route add blackhole 10.102.0.0/16 metric 7 proto 174",
  "ip route add fd77::/48 via 2001:db8::9 proto 174",
  // A carrier that came back; the addresses of IPv6 are their program's to give back.
  "ip link set dev eth0 down; ip link set dev eth0 up; ip address replace 2001:db8::1/64 dev eth0 nodad",
];

const firewall = [
  "nft delete table inet trestle",
  "nft flush table inet trestle",
  "nft flush chain inet trestle forward",
  "nft flush chain inet trestle from_remote",
  "nft flush set inet trestle announced4",
  "nft add element inet trestle remote6 '{ fd99::/48 }'",
  "nft add rule inet trestle input drop",
  "nft insert rule inet trestle forward accept",
  "nft add chain inet trestle stray",
  "nft add set inet trestle stray '{ type ipv4_addr; }'",
  "nft add chain inet trestle forward '{ policy drop; }'",
  "nft add table inet trestle '{ flags dormant; }'",
];

const sysctls = [
  ...["ip_forward", "fib_multipath_hash_policy", "conf/eth0/rp_filter", "conf/trs0-0/rp_filter"].map(
    (key) => `echo 0 >/proc/sys/net/ipv4/${key}`,
  ),
  "echo 1 >/proc/sys/net/ipv4/conf/eth0/send_redirects",
  "echo 0 >/proc/sys/net/ipv6/conf/all/forwarding",
  "echo 1 >/proc/sys/net/ipv6/conf/eth0/accept_ra",
];

export const DAMAGES: readonly string[] = [
  ...links,
  ...wireGuard,
  ...vxlan,
  ...addresses,
  ...nexthops,
  ...routes,
  ...firewall,
  ...sysctls,
];

/** What another program adds beside ours, and how it takes it away again: that fails if it is not as it was added. */
export interface Addition {
  readonly add: string;
  readonly remove: string;
}

function both(what: string): Addition {
  return { add: what.replace("%", "add"), remove: what.replace("%", "delete") };
}

/** They need the device `ext0`. */
export const ADDITIONS: readonly Addition[] = [
  both("ip route % 203.0.113.0/24 dev ext0 proto static metric 5"),
  both("ip route % 10.102.0.0/16 dev ext0 proto static metric 50"),
  both("ip route % unreachable 10.103.0.0/16 proto static metric 9998"),
  both("ip route % fd65:2::/48 dev ext0 proto static metric 77"),
  both("ip route % 10.102.0.0/16 dev ext0 table 55 proto 174"),
  {
    add: "ip nexthop add id 900 dev ext0 proto static",
    remove: "ip nexthop show id 900 | grep 'dev ext0 scope host proto static' && ip nexthop delete id 900",
  },
  both("ip address % 10.9.9.9/32 dev lo"),
  both("ip neigh % 203.0.113.9 lladdr 02:00:00:00:00:09 dev ext0 nud permanent"),
  both("ip rule % to 10.102.0.0/16 priority 55 lookup 55"),
  both("ip link % dev trsfoo type bridge"),
  both("ip link % dev trs7-7 type bridge"),
  both("nft % table inet other"),
  both("nft % table ip trestle"),
  { add: "iptables -P FORWARD DROP", remove: "iptables -P FORWARD ACCEPT" },
  {
    add: "nft 'table ip6 strict { chain forward { type filter hook forward priority 0; policy drop; }; }'",
    remove: "nft delete table ip6 strict",
  },
];
