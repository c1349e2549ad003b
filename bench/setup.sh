#!/bin/sh
# Installs what the benchmarks compare with: the newest clang that apt has (from 15, the first with all of ISA v3's
# atomics), and the kernel's user-space headers. Debian and Ubuntu, as root.
set -eu
newest=$(apt-cache search --names-only '^clang-[0-9]+$' | sed -n 's/^clang-\([0-9]*\) .*/\1/p' | sort -n | tail -n 1)
if [ -z "$newest" ]; then
  apt-get update
  newest=$(apt-cache search --names-only '^clang-[0-9]+$' | sed -n 's/^clang-\([0-9]*\) .*/\1/p' | sort -n | tail -n 1)
fi
if [ -z "$newest" ]; then
  echo "bench/setup.sh: apt offers no clang" >&2
  exit 1
fi
exec apt-get install -y --no-install-recommends "clang-$newest" linux-libc-dev
