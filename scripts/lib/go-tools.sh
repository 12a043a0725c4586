# nats-server and wireguard-go in .cache/bin, built from scripts/tools/go.mod. Sourced by scripts/setup.
# shellcheck shell=bash

# The hub's TLS comes before the protocol's first line (handshakeFirst), which servers know from this version on.
NATS_SERVER_OLDEST=2.10.4

build_tool() {
  CGO_ENABLED=0 go -C scripts/tools build -trimpath -buildvcs=false -ldflags '-s -w' -o "$1" "$2"
}

# Puts a program into .cache/bin in one step: a test may be starting the old one at this moment.
place_tool() {
  local target=.cache/bin/${1##*/}
  ln -f "$1" "$target.new" 2>/dev/null || cp "$1" "$target.new"
  mv -f "$target.new" "$target"
}

# Builds both programs once a machine: clones share them by the hash of what they are made from.
setup_go_tools() {
  local started want stamp=.cache/bin/tools.stamp shared made log=.cache/go.log
  now_ms started
  want=$(cat scripts/tools/go.mod scripts/tools/go.sum <(uname -m) | sha256sum | cut -d' ' -f1)
  if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$want" ] && [ -x .cache/bin/nats-server ] && [ -x .cache/bin/wireguard-go ]; then
    report ok "Go programs" "$started" "nats-server, wireguard-go"
    return
  fi
  shared=${XDG_CACHE_HOME:-${HOME:-$PWD/.cache}/.cache}/trestle/tools/$want
  if [ ! -x "$shared/nats-server" ] || [ ! -x "$shared/wireguard-go" ]; then
    if ! command -v go >/dev/null; then
      setup_debian_tools
      return
    fi
    mkdir -p "${shared%/*}"
    made=$(mktemp -d "${shared%/*}/making.XXXXXX")
    if ! { build_tool "$made/nats-server" github.com/nats-io/nats-server/v2 &&
      build_tool "$made/wireguard-go" golang.zx2c4.com/wireguard; } >"$log" 2>&1; then
      rm -rf "$made"
      tail -n 20 "$log" | indent
      setup_debian_tools
      return
    fi
    chmod 755 "$made"
    # Another clone may have built them meanwhile: then its copy stays.
    mv -T "$made" "$shared" 2>/dev/null || rm -rf "$made"
  fi
  place_tool "$shared/nats-server"
  place_tool "$shared/wireguard-go"
  echo "$want" >"$stamp"
  report installed "Go programs" "$started" "nats-server, wireguard-go"
}

# newer_or_same HAVE LEAST
newer_or_same() {
  [ "$(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n 1)" = "$2" ]
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

# Without Go: what PATH and the Debian archive have, with what that costs.
setup_debian_tools() {
  local started get_go="install Go 1.26 or later (https://go.dev/dl) and run scripts/setup again"
  now_ms started
  if ! has_nats_server && newer_or_same "$(candidate nats-server)" "$NATS_SERVER_OLDEST"; then
    unpack_debian_tool nats-server
  fi
  if has_nats_server; then
    report ok nats-server "$started" "$(nats_server_version), not the pinned one"
  else
    report missing nats-server "$started" "found: $(nats_server_version), Debian has: $(candidate nats-server)"
    lack essential "nats-server $NATS_SERVER_OLDEST or later (an older one can't do TLS first, so no member could join)" "$get_go"
  fi
  now_ms started
  tool_path wireguard-go >/dev/null || unpack_debian_tool wireguard-go
  if tool_path wireguard-go >/dev/null; then
    report ok wireguard-go "$started" "not the pinned one"
    lack "speed: Debian's wireguard-go is 4-5 times slower where the kernel has no WireGuard" "the pinned wireguard-go" "$get_go"
  elif modprobe -n wireguard 2>/dev/null; then
    report ok wireguard-go "$started" "not needed: this kernel has WireGuard"
  else
    report missing wireguard-go "$started"
    lack essential "wireguard-go (this kernel has no WireGuard)" "$get_go"
  fi
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
