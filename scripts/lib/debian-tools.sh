# nats-server and wireguard-go where they can't be built: what PATH and the Debian archive have. Sourced by go-tools.sh.
# shellcheck shell=bash

# The hub's TLS comes before the protocol's first line (handshakeFirst), which servers know from this version on.
NATS_SERVER_OLDEST=2.10.4
BUILD_REMEDY="the build failed as shown above; with https://proxy.golang.org in reach, or Go 1.26 installed, run scripts/setup again"

# newer_or_same HAVE LEAST
newer_or_same() {
  [ "$(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n 1)" = "$2" ]
}

tool_path() {
  PATH=$PWD/.cache/bin:$PATH command -v "$1"
}

nats_server_version() {
  local version
  version=$("$(tool_path nats-server || echo false)" --version 2>/dev/null | grep -oE '[0-9]+\.[0-9]+\.[0-9]+' | head -n 1) || true
  echo "${version:-none}"
}

has_nats_server() {
  local version
  version=$(nats_server_version)
  [ "$version" != none ] && newer_or_same "$version" "$NATS_SERVER_OLDEST"
}

# The version apt would install, without epoch and revision; 0 when there is none.
candidate() {
  local version
  version=$(apt-cache policy "$1" 2>/dev/null | sed -n 's/^ *Candidate: \(.*:\)\?\([0-9.]*\).*/\2/p') || true
  echo "${version:-0}"
}

# The program out of a Debian package, without installing it: nats-server's would start a service of its own.
unpack_debian_tool() {
  local tool=$1 folder found
  folder=$(mktemp -d .cache/unpack.XXXXXX)
  if (cd "$folder" && apt-get download -qq "$tool" && dpkg-deb -x ./*.deb .) >>.cache/apt.log 2>&1; then
    found=$(find "$folder/usr" -name "$tool" -type f -perm -u+x | head -n 1)
    [ -n "$found" ] && place_tool "$found"
  fi
  rm -rf "$folder"
}

# Takes what there is and says what that costs.
setup_debian_tools() {
  local started
  now_ms started
  if ! has_nats_server && [ "$(candidate nats-server)" = 0 ] && [ "$(id -u)" = 0 ]; then
    apt-get update -qq >>.cache/apt.log 2>&1 </dev/null || true
  fi
  if ! has_nats_server && newer_or_same "$(candidate nats-server)" "$NATS_SERVER_OLDEST"; then
    unpack_debian_tool nats-server
  fi
  if has_nats_server; then
    report ok nats-server "$started" "$(nats_server_version), not the pinned one"
  else
    report missing nats-server "$started" "found: $(nats_server_version), apt has: $(candidate nats-server)"
    lack essential "nats-server $NATS_SERVER_OLDEST or later (an older one can't do TLS first, so no member could join)" "$BUILD_REMEDY"
  fi
  now_ms started
  tool_path wireguard-go >/dev/null || unpack_debian_tool wireguard-go
  if tool_path wireguard-go >/dev/null; then
    report ok wireguard-go "$started" "not the pinned one"
    lack "speed: Debian's is 4-5 times slower, where the kernel has no WireGuard" "the pinned wireguard-go" "$BUILD_REMEDY"
  elif modprobe -n wireguard 2>/dev/null; then
    report ok wireguard-go "$started" "not needed: this kernel has WireGuard"
  else
    report missing wireguard-go "$started"
    lack essential "wireguard-go (this kernel has no WireGuard)" "$BUILD_REMEDY"
  fi
}
