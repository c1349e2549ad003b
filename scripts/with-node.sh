#!/bin/sh
# Runs a TypeScript file of the project under Node 24, after the set-up: sh scripts/with-node.sh FILE [ARGUMENT...]
set -eu
self=$(readlink -f -- "$0")
root=${self%/scripts/*}
. "$root/scripts/setup.sh"
ensure_dependencies
pick_node
exec_node "$@"
