# nats-server and wireguard-go in .cache/bin, built from scripts/tools/go.mod. Sourced by scripts/setup.
# shellcheck shell=bash
source scripts/lib/debian-tools.sh

# Puts a program into .cache/bin in one step: a test may be starting the old one at this moment.
place_tool() {
  local target=.cache/bin/${1##*/}
  ln -f "$1" "$target.new" 2>/dev/null || cp "$1" "$target.new"
  mv -f "$target.new" "$target"
}

# A Go that is new enough for go.mod: the machine's, else one fetched into the folder $1.
usable_go() {
  local least have
  least=$(sed -n 's/^go //p' scripts/tools/go.mod)
  have=$(cd / && GOTOOLCHAIN=local go env GOVERSION 2>/dev/null) || have=
  if [ -n "$have" ] && newer_or_same "${have#go}" "$least"; then
    command -v go
  else
    echo "no Go $least or later here (found: ${have:-none}); fetching one for this build" >&2
    NODE_USE_ENV_PROXY=1 "$(node_program)" scripts/tools/fetch-go.ts "$1" >&2 && echo "$1/bin/go"
  fi
}

# build_tool GO TARGET PACKAGE
build_tool() {
  CGO_ENABLED=0 GOTOOLCHAIN=local "$1" -C scripts/tools build -trimpath -buildvcs=false -ldflags '-s -w' -o "$2" "$3"
}

# build_tools WORK TARGET: both programs into TARGET, with WORK as a folder for what the build needs.
build_tools() {
  local go
  go=$(usable_go "$1/go") &&
    build_tool "$go" "$2/nats-server" github.com/nats-io/nats-server/v2 &&
    build_tool "$go" "$2/wireguard-go" golang.zx2c4.com/wireguard
}

# Builds both programs once a machine: clones share them by the digest of what they are made from.
setup_go_tools() {
  local started want shared work stamp=.cache/bin/tools.stamp log=.cache/go.log
  now_ms started
  want=$(cat scripts/tools/go.mod scripts/tools/go.sum <(uname -m) | sha256sum | cut -d' ' -f1)
  if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$want" ] && [ -x .cache/bin/nats-server ] && [ -x .cache/bin/wireguard-go ]; then
    report ok "Go programs" "$started" "nats-server, wireguard-go"
    return
  fi
  shared=${XDG_CACHE_HOME:-${HOME:-$PWD/.cache}/.cache}/trestle/tools/$want
  if [ ! -x "$shared/nats-server" ] || [ ! -x "$shared/wireguard-go" ]; then
    mkdir -p "${shared%/*}"
    work=$(mktemp -d "${shared%/*}/making.XXXXXX")
    mkdir "$work/out"
    if build_tools "$work" "$work/out" >"$log" 2>&1; then
      # Another clone may have built them meanwhile: then its programs stay.
      mv -T "$work/out" "$shared" 2>/dev/null || true
    fi
    rm -rf "$work"
  fi
  if [ ! -x "$shared/nats-server" ] || [ ! -x "$shared/wireguard-go" ]; then
    tail -n 20 "$log" | indent
    setup_debian_tools
    return
  fi
  place_tool "$shared/nats-server"
  place_tool "$shared/wireguard-go"
  echo "$want" >"$stamp"
  report installed "Go programs" "$started" "nats-server, wireguard-go"
}
