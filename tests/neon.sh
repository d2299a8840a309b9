#!/usr/bin/env bash
# Tests the kernels and the forward pass in an arm64 build, under emulation: NEON, with and without dot products, against the
# scalar definitions and the recorded logits. Exactness only; an emulator says nothing of speed.
#
#   tests/neon.sh
#
# Exits 0 when all tests pass, 77 when something that it needs is missing (it says what).
set -euo pipefail

tree=$(cd "$(dirname "$0")/.." && pwd)
name=neon
. "$tree/tests/board/arm64.sh"

need qemu-aarch64-static qemu-user-static
needed
toolchain
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$cache/target}
cd "$tree"
# LD_LIBRARY_PATH is the compiler's; the emulated program must not see it.
export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUNNER="env -u LD_LIBRARY_PATH qemu-aarch64-static -L /usr/aarch64-linux-gnu"
# One run of all; the names after the dashes pick the tests of kernels and recorded logits (the others take too long here).
"${CARGO:-cargo}" test --target "$target" --lib --test architectures --test stand_in --no-fail-fast -- \
    kernels:: logits_are batches_and shared_blocks greedy_runs forced_tokens
