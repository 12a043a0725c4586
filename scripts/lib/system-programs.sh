# The programs that Linux distributions carry, by apt where there is one. Sourced by scripts/setup.
# shellcheck shell=bash

# program | Debian package | what does not work without it ("essential": nothing does)
SYSTEM_PROGRAMS='ip|iproute2|essential
nft|nftables|essential
wg|wireguard-tools|essential
sysctl|procps|essential
unshare|util-linux|essential
nsenter|util-linux|essential
ping|iputils-ping|lab checks and latency figures
arping|iputils-arping|announcing IPv4 addresses of pods to a LAN
ndptool|libndp-tools|announcing IPv6 addresses of pods to a LAN
iperf3|iperf3|throughput figures of the demo and the benchmarks
tcpdump|tcpdump|tests that capture packets
iptables|iptables|tests beside other firewalls
rdisc6|ndisc6|IPv6 neighbour tests
strace|strace|the test that an answer comes after the disk has it
gcc|gcc libc6-dev|essential'

# Lines of SYSTEM_PROGRAMS whose program is not there.
missing_programs() {
  local program package loss
  while IFS='|' read -r program package loss; do
    command -v "$program" >/dev/null || printf '%s|%s|%s\n' "$program" "$package" "$loss"
  done <<<"$SYSTEM_PROGRAMS"
}

apt_install() {
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends -o Dpkg::Use-Pty=0 "$@" </dev/null
}

# Installs the packages named, all at once, or one by one when an archive lacks one of them.
install_packages() {
  apt-get update -qq </dev/null || true
  apt_install "$@" && return
  local package
  for package in "$@"; do apt_install "$package" || true; done
}

setup_system_programs() {
  local started lines packages log=.cache/apt.log
  now_ms started
  lines=$(missing_programs)
  if [ -z "$lines" ]; then
    report ok "system programs" "$started"
    return
  fi
  packages=$(cut -d'|' -f2 <<<"$lines" | sort -u | tr '\n' ' ')
  if command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
    # shellcheck disable=SC2086 # a list of package names
    install_packages $packages >"$log" 2>&1
    lines=$(missing_programs)
    if [ -z "$lines" ]; then
      report installed "system programs" "$started" "$packages"
      return
    fi
    tail -n 5 "$log" | indent
  fi
  packages=$(cut -d'|' -f2 <<<"$lines" | sort -u | tr '\n' ' ')
  report missing "system programs" "$started" "$packages"
  local program package loss
  while IFS='|' read -r program package loss; do
    lack "$loss" "$program" "as root: apt-get install $package (or your distribution's package of it)"
  done <<<"$lines"
}
