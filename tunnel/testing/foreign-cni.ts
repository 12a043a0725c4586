import type { Run } from "../../platform/run.ts";

/** What another network program has on a machine: something of every kind that we have, too. */

/** Before we come. No address is left to chance, so that two machines are alike. */
const BEFORE = [
  "ip link add dev cni0 address 02:55:00:00:00:10 type bridge",
  "ip link set dev cni0 addrgenmode none",
  "ip link set dev cni0 up",
  "ip address add 10.55.0.1/24 dev cni0",
  "ip address add fd55::1/64 dev cni0 nodad",
  "ip address add 10.9.9.9/32 dev lo",
  // Named like ours but not marked, and of a kind that no tunnel is.
  "ip link add dev trs9-9 address 02:55:00:00:00:11 type bridge",
  "ip link add dev flannel.1 address 02:55:00:00:00:01 type vxlan id 1 dstport 8472 local 192.0.2.1 nolearning",
  "ip link set dev flannel.1 addrgenmode none",
  "ip link set dev flannel.1 up",
  "bridge fdb append 02:55:00:00:00:02 dev flannel.1 dst 192.0.2.55",
  "ip neigh add 10.55.1.0 lladdr 02:55:00:00:00:02 dev flannel.1 nud permanent",
  "ip neigh add proxy 192.0.2.77 dev eth0",
  "ip route add 10.55.1.0/24 via 10.55.1.0 dev flannel.1 onlink proto 80",
  // The same prefixes as ours, by another metric, and in another table.
  "ip route add 10.102.0.0/16 via 192.0.2.99 metric 50 proto static",
  "ip route add unreachable fd65:2::/48 metric 77",
  "ip route add 10.102.0.0/16 via 192.0.2.99 table 55 proto bird",
  "ip rule add to 10.102.0.0/16 priority 55 lookup 55",
  "ip nexthop add id 55 via 192.0.2.55 dev eth0 protocol bird",
  "ip nexthop add id 56 group 55",
  "ip route add 10.56.0.0/16 nhid 56 proto bird",
  "nft add table inet other",
  "nft 'add chain inet other forward { type filter hook forward priority 0; policy drop; }'",
  "nft add rule inet other forward ct state established accept",
  "iptables -P FORWARD DROP",
  "iptables -N KUBE-FORWARD",
  "iptables -A FORWARD -j KUBE-FORWARD",
  "iptables -A KUBE-FORWARD -m conntrack --ctstate INVALID -j DROP",
  "iptables -t nat -A POSTROUTING -s 10.55.0.0/16 ! -o cni0 -j MASQUERADE",
  "ip6tables -A INPUT -p tcp --dport 22 -j ACCEPT",
  "echo 0 >/proc/sys/net/ipv4/conf/all/accept_redirects",
  "echo 1 >/proc/sys/net/ipv4/conf/all/rp_filter",
  "echo 1 >/proc/sys/net/ipv4/conf/cni0/forwarding",
];

/** While we are there. */
const MEANWHILE = [
  "ip link add dev veth55 address 02:55:00:00:00:12 type veth peer name vpeer55 address 02:55:00:00:00:13",
  "ip link set dev veth55 addrgenmode none",
  "ip link set dev vpeer55 addrgenmode none",
  "ip link set dev veth55 master cni0 up",
  "ip link set dev vpeer55 up",
  "ip address add 10.9.9.10/32 dev lo",
  "ip address delete 10.9.9.9/32 dev lo",
  "bridge fdb append 02:55:00:00:00:03 dev flannel.1 dst 192.0.2.56",
  "ip neigh add 10.55.2.0 lladdr 02:55:00:00:00:03 dev flannel.1 nud permanent",
  "ip neigh delete 10.55.1.0 dev flannel.1",
  "ip route replace 10.102.0.0/16 via 192.0.2.98 metric 50 proto static",
  "ip route add 10.55.2.0/24 via 10.55.2.0 dev flannel.1 onlink proto 80",
  "ip route delete 10.55.1.0/24 proto 80",
  "ip rule add to 10.103.0.0/16 priority 56 lookup 55",
  "ip nexthop add id 57 via 192.0.2.57 dev eth0 protocol bird",
  "ip nexthop replace id 56 group 55/57",
  "nft add rule inet other forward tcp dport 443 accept",
  "nft add table ip third",
  "iptables -A FORWARD -i cni0 -j ACCEPT",
  "iptables -D KUBE-FORWARD -m conntrack --ctstate INVALID -j DROP",
  "ip6tables -P FORWARD DROP",
  "echo 1 >/proc/sys/net/ipv4/conf/eth0/log_martians",
  "echo 0 >/proc/sys/net/ipv4/conf/cni0/rp_filter",
];

/** Brings about what the other program had before we came. */
export async function foreignBefore(run: Run): Promise<void> {
  await run("sh", ["-exc", BEFORE.join("\n")]);
}

/** What it changed while we were there. */
export async function foreignMeanwhile(run: Run): Promise<void> {
  await run("sh", ["-exc", MEANWHILE.join("\n")]);
}
