# Programs in Go in .cache/bin, built from scripts/tools/go.mod. Sourced by scripts/setup.
# shellcheck shell=bash

# program | package. Trestle starts the first kind; the second is for tests and benchmarks of the CNI plugin alone: the
# specification's own caller, and the plugins that ours is measured beside and chained with.
GO_PROGRAMS='nats-server|github.com/nats-io/nats-server/v2
wireguard-go|golang.zx2c4.com/wireguard'
GO_TEST_PROGRAMS='cnitool|github.com/containernetworking/cni/cnitool
ptp|github.com/containernetworking/plugins/plugins/main/ptp
host-local|github.com/containernetworking/plugins/plugins/ipam/host-local
portmap|github.com/containernetworking/plugins/plugins/meta/portmap'
ALL_GO_PROGRAMS=$GO_PROGRAMS$'\n'$GO_TEST_PROGRAMS
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

# build_tools WORK TARGET: all programs into TARGET, with WORK as a folder for what the build needs.
build_tools() {
  local go program package
  go=$(usable_go "$1/go") || return
  while IFS='|' read -r program package; do
    build_tool "$go" "$2/$program" "$package" </dev/null || return
  done <<<"$ALL_GO_PROGRAMS"
}

# program_names LIST: "a, b"
program_names() {
  local program names=""
  while IFS='|' read -r program _; do
    names="$names, $program"
  done <<<"$1"
  echo "${names#, }"
}

# has_programs FOLDER LIST
has_programs() {
  local program
  while IFS='|' read -r program _; do
    [ -x "$1/$program" ] || return
  done <<<"$2"
}

# Builds the programs once a machine: clones share them by the digest of what they are made from.
setup_go_tools() {
  local started want shared work program stamp=.cache/bin/tools.stamp log=.cache/go.log
  now_ms started
  want=$(cat scripts/tools/go.mod scripts/tools/go.sum <(uname -m) | sha256sum | cut -d' ' -f1)
  if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$want" ] && has_programs .cache/bin "$ALL_GO_PROGRAMS"; then
    report_go_tools ok "$started"
    return
  fi
  shared=${XDG_CACHE_HOME:-${HOME:-$PWD/.cache}/.cache}/trestle/tools/$want
  if ! has_programs "$shared" "$ALL_GO_PROGRAMS"; then
    mkdir -p "${shared%/*}"
    work=$(mktemp -d "${shared%/*}/making.XXXXXX")
    mkdir "$work/out"
    if build_tools "$work" "$work/out" >"$log" 2>&1; then
      # Another clone may have built them meanwhile: then its programs stay.
      mv -T "$work/out" "$shared" 2>/dev/null || true
    fi
    rm -rf "$work"
  fi
  if ! has_programs "$shared" "$ALL_GO_PROGRAMS"; then
    tail -n 20 "$log" | indent
    setup_debian_tools
    has_programs .cache/bin "$GO_TEST_PROGRAMS" ||
      lack "tests and benchmarks of the CNI plugin fail" "$(program_names "$GO_TEST_PROGRAMS")" "$BUILD_REMEDY"
    return
  fi
  while IFS='|' read -r program _; do
    place_tool "$shared/$program"
  done <<<"$ALL_GO_PROGRAMS"
  echo "$want" >"$stamp"
  report_go_tools installed "$started"
}

# report_go_tools STATE STARTED_MS
report_go_tools() {
  report "$1" "Go programs" "$2" "$(program_names "$GO_PROGRAMS"); for tests and benchmarks: $(program_names "$GO_TEST_PROGRAMS")"
}
