# Our two programs in C, compiled into .cache/bin. Sourced by scripts/setup.
# shellcheck shell=bash

# program | source | what does not work without it
C_PROGRAMS='trestle-cni|member-agent/cni/forwarder.c|a container runtime can not have its pods wired
trestle-launch|platform/launch/launcher.c|essential'

# Static: a runtime starts its plugin in whatever root file system it has.
compile_c_program() {
  gcc -std=gnu17 -O2 -static -Wall -Wextra -Werror -o ".cache/bin/$1.new" "$2" && mv -f ".cache/bin/$1.new" ".cache/bin/$1"
}

setup_c_programs() {
  local started program source loss state=ok names="" log=.cache/cc.log
  now_ms started
  while IFS='|' read -r program source loss; do
    if [ -x ".cache/bin/$program" ] && [ ! "$source" -nt ".cache/bin/$program" ]; then
      names="$names, $program"
    elif compile_c_program "$program" "$source" 2>"$log"; then
      state=installed names="$names, $program"
    else
      indent <"$log"
      lack "$loss" "$program" "as root: apt-get install gcc libc6-dev, then scripts/setup again"
    fi
  done <<<"$C_PROGRAMS"
  [ -n "$names" ] || state=missing
  report "$state" "C programs" "$started" "${names#, }"
}
