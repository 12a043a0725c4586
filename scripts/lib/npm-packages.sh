# node_modules, exactly as package-lock.json has it. Sourced by scripts/setup.
# shellcheck shell=bash

# The Node that runs Trestle: the one npm brought, else the machine's.
node_program() {
  if [ -x node_modules/.bin/node ]; then echo node_modules/.bin/node; else command -v node || true; fi
}

setup_npm_packages() {
  local started lock stamp=node_modules/.trestle-lock log=.cache/npm.log
  now_ms started
  lock=$(sha256sum package-lock.json | cut -d' ' -f1)
  if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$lock" ]; then
    report ok "npm packages" "$started"
  elif ! command -v npm >/dev/null; then
    report missing "npm packages" "$started"
    lack essential "npm packages" "npm is not installed: apt-get install nodejs npm, or https://nodejs.org"
    return
  elif npm ci --no-audit --no-fund --no-update-notifier --loglevel=error </dev/null >"$log" 2>&1; then
    echo "$lock" >"$stamp"
    report installed "npm packages" "$started"
  else
    tail -n 20 "$log" | indent
    report missing "npm packages" "$started"
    lack essential "npm packages" "npm ci failed as shown above; it needs the npm registry"
    return
  fi
  check_node
}

check_node() {
  local started node version
  now_ms started
  node=$(node_program)
  version=$("$node" --version 2>/dev/null || echo none)
  if [[ $version =~ ^v([0-9]+)\. ]] && [ "${BASH_REMATCH[1]}" -ge 24 ]; then
    report ok node "$started" "$version"
  else
    report missing node "$started" "$version"
    lack essential "node 24 or later" "npm carries one for Linux on x64 and arm64; elsewhere see https://nodejs.org"
  fi
}
