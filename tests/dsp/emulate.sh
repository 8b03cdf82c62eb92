#!/bin/sh
# dsp/emulate.sh DIR - all levels of kernels, here, on older x86 and on 64-bit ARM under emulation:
# they have to answer alike. Builds into DIR.
set -eu
dir=$1
mkdir -p "$dir"

build() { # COMPILER PROGRAM
  # shellcheck disable=SC2046 # a list of files
  "$1" -std=c11 -O2 -ffp-contract=off -D_POSIX_C_SOURCE=200809L -static -Iinclude -Ilib -Itests \
    -Itests/support -o "$2" tests/dsp/digests.c tests/dsp/answers.c tests/dsp/guard.c \
    tests/dsp/worlds.c tests/support/planes.c \
    $(find lib/core lib/dsp lib/policy lib/provider -name '*.c') -lm
}

expect() { # NAMES PROGRAM [ARGUMENT ...]: these levels, no more and no fewer
  names=$1
  shift
  "$@" >"$dir/lines"
  sed "s|^|$(basename "$1") ${3:-}: |" "$dir/lines" | tee -a "$dir/all"
  [ "$(cut -d' ' -f1 "$dir/lines" | tr '\n' ' ')" = "$names " ] || {
    echo "expected the levels $names" >&2
    exit 1
  }
}

: >"$dir/all"
build "${CC:-cc}" "$dir/digests"
build aarch64-linux-gnu-gcc "$dir/digests-aarch64"
"$dir/digests" | sed 's|^|here: |' | tee -a "$dir/all"
if [ "$(uname -m)" = x86_64 ]; then
  expect 'c' qemu-x86_64 -cpu core2duo "$dir/digests"
  expect 'c sse4.1' qemu-x86_64 -cpu Westmere "$dir/digests"
  expect 'c sse4.1 avx2' qemu-x86_64 -cpu Haswell "$dir/digests"
fi
expect 'c neon' qemu-aarch64 -cpu cortex-a53 "$dir/digests-aarch64"
different=$(sed 's/.* //' "$dir/all" | sort -u | wc -l)
if [ "$different" != 1 ]; then
  echo "the levels do not answer alike" >&2
  exit 1
fi
echo "$(wc -l <"$dir/all") levels answer alike"
