#!/usr/bin/env bash
# Tests the kernels and the forward pass in an arm64 build, under emulation: NEON, with and without dot products, against the
# scalar definitions and the recorded logits. Exactness only; an emulator says nothing of speed.
#
#   tests/neon.sh
#
# Takes about 17 minutes of one core the first time, most of them for building. Exits 0 when all tests pass and each of the
# paths (scalar, NEON, NEON with dot products) was seen at work, 77 when something that it needs is missing (it says what).
set -euo pipefail

tree=$(cd "$(dirname "$0")/.." && pwd)
name=neon
. "$tree/tests/board/arm64.sh"

need qemu-aarch64-static qemu-user-static
needed
toolchain
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$cache/target}
cd "$tree"
# LD_LIBRARY_PATH is the compiler's; the emulated program must not see it. "max" has dot products.
export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUNNER="env -u LD_LIBRARY_PATH qemu-aarch64-static -cpu max -L /usr/aarch64-linux-gnu"
# Dependencies are hardly run here: unoptimised they are built in a third of the time.
tests=(--target "$target" --lib --test architectures --test stand_in --no-fail-fast
    --config 'profile.dev.package."*".opt-level=0' --config profile.dev.debug=false)
say "building"
"${CARGO:-cargo}" test --no-run "${tests[@]}"
say "testing"
# The names after the dashes pick the tests of kernels and recorded logits (the others take too long here).
seen=$(mktemp)
trap 'rm -f "$seen"' EXIT
"${CARGO:-cargo}" test "${tests[@]}" -- --nocapture \
    kernels:: logits_are batches_and shared_blocks greedy_runs forced_tokens 2>&1 | tee "$seen"
for path in scalar neon neon-dotprod; do
    grep -q " on $path: " "$seen" || { say "FAILED: nothing was tested on the path $path"; exit 1; }
done
say "passed"
