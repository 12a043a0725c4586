# One line a step, on standard output: state, name, detail, time. Sourced by the other scripts.
# shellcheck shell=bash

# Milliseconds since the epoch, into the variable named by $1 (no fork: these scripts run before every command).
now_ms() {
  local micros=${EPOCHREALTIME/[.,]/}
  printf -v "$1" '%d' $((micros / 1000))
}

# report STATE NAME STARTED_MS [DETAIL]
report() {
  local state=$1 name=$2 started=$3 detail=${4:-} ended
  now_ms ended
  printf '%-9s %-16s %4d.%d s  %s\n' "$state" "$name" $(((ended - started) / 1000)) $(((ended - started) % 1000 / 100)) "$detail"
}

# indent: what a failed program said, set off from the lines of the steps.
indent() {
  sed 's/^/    /'
}
