# trestle-cni in .cache/bin, compiled from member-agent/cni/forwarder.c. Sourced by scripts/setup.
# shellcheck shell=bash

# Static: the runtime starts it in whatever root file system it has, once for every pod.
setup_cni_plugin() {
  local started target=.cache/bin/trestle-cni source=member-agent/cni/forwarder.c log=.cache/cni.log
  now_ms started
  if [ -x "$target" ] && [ ! "$source" -nt "$target" ]; then
    report ok trestle-cni "$started"
  elif gcc -std=gnu17 -O2 -static -Wall -Wextra -Werror -o "$target.new" "$source" 2>"$log" && mv -f "$target.new" "$target"; then
    report installed trestle-cni "$started"
  else
    report missing trestle-cni "$started"
    indent <"$log"
    lack "pods can't be wired by a container runtime" trestle-cni "as root: apt-get install gcc libc6-dev, then scripts/setup again"
  fi
}
