#!/usr/bin/env bash
# Bytes that each engine adds to a stripped, size-optimised program that parses JSON already, built as one for a board is: for
# size before speed (opt-level "z"), with packed relocations, and, since it aborts on a panic, without unwind tables.
# `size.sh tables` keeps those; `size.sh plain` keeps them, packs nothing and has opt-level "s".
set -euo pipefail
cd "$(dirname "$0")"
flags=()
case "${1:-}" in
    plain) export CARGO_PROFILE_SIZE_OPT_LEVEL=s ;;
    tables) flags=(-C link-arg=-Wl,-z,pack-relative-relocs) ;;
    "")
        flags=(-C link-arg=-Wl,-z,pack-relative-relocs -C force-unwind-tables=no -C link-arg=-Wl,--no-eh-frame-hdr
            -C "link-arg=-Wl,-T,$PWD/size/no_unwind_tables.ld")
        ;;
    *) echo "usage: size.sh [tables|plain]" >&2; exit 2 ;;
esac
# Arguments are parted by this character, so that the folder's name may hold blanks.
CARGO_ENCODED_RUSTFLAGS=$(IFS=$'\x1f'; echo "${flags[*]-}")
export CARGO_ENCODED_RUSTFLAGS
cargo build --quiet --profile size --bin size-json --bin size-pintail --bin size-llguidance
folder=${CARGO_TARGET_DIR:-target}/size
schema=$(mktemp)
trap 'rm -f "$schema"' EXIT
echo '{"type":"object","properties":{"line":{"type":"integer","maximum":27}},"required":["line"]}' >"$schema"
bare=$(stat -c %s "$folder/size-json")
printf '%-12s %9d\n' "JSON alone" "$bare"
for engine in pintail llguidance; do
    # Each must do its work to be weighed.
    for text in '{"line":17}:true' '{"line":28}:false'; do
        "$folder/size-$engine" "$schema" "${text%:*}" | grep -q " ${text##*:}$" || { echo "$engine is wrong on $text" >&2; exit 1; }
    done
    size=$(stat -c %s "$folder/size-$engine")
    printf '%-12s %9d  +%d\n' "$engine" "$size" $((size - bare))
done
