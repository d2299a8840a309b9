#!/usr/bin/env bash
# Builds fuzz targets with libFuzzer and AddressSanitizer and runs them: what `cargo fuzz run` does, for machines without cargo-fuzz.
#
#   fuzz/run.sh TARGET|all [SECONDS]        SECONDS for each target, 60 if not said
#
# Needs a nightly toolchain (PINTAIL_FUZZ_TOOLCHAIN, else `nightly`) and a C++ compiler. Without a nightly one,
# PINTAIL_FUZZ_TOOLCHAIN=stable builds without the sanitizer: panics and failed assertions are found then, bad reads are not.
# Inputs that lead to new code are kept in fuzz/corpus/TARGET, those that fail in fuzz/artifacts/TARGET. Exits 1 when one failed.
set -euo pipefail

tree=$(cd "$(dirname "$0")/.." && pwd)
[ $# -ge 1 ] || { sed -n '2,/^set/p' "$0" | sed '$d; s/^# \{0,1\}//' >&2; exit 2; }
all=$(sed -n 's/^name = "\(.*\)"/\1/p' "$tree/fuzz/Cargo.toml" | grep -v -- -)
targets=$1
[ "$1" != all ] || targets=$all
seconds=${2:-60}

# Coverage counters and comparisons, for the programs only: with a target named, build scripts are built without these flags.
host=$(rustc -vV | sed -n 's/^host: //p')
toolchain=${PINTAIL_FUZZ_TOOLCHAIN:-nightly}
flags="--cfg fuzzing -Cdebug-assertions -Coverflow-checks -Cpasses=sancov-module"
for flag in level=4 inline-8bit-counters pc-table trace-compares; do flags+=" -Cllvm-args=-sanitizer-coverage-$flag"; done
[ "$toolchain" = stable ] || flags+=" -Zsanitizer=address"
build=(build --release --manifest-path "$tree/fuzz/Cargo.toml" --target "$host")
for target in $targets; do build+=(--bin "$target"); done
RUSTFLAGS=$flags "${CARGO:-cargo}" "+$toolchain" "${build[@]}"

# What a target starts from besides what it found before.
seeds() {
    case $1 in
    gguf | model) echo "$tree/tests/golden/architectures" ;;
    tokenizer) echo "$tree/fuzz/seeds/tokenizer" ;;
    template) echo "$tree/src/prompt/chat/templates" ;;
    agent) echo "$tree/agents" ;;
    tool) echo "$tree/tools" ;;
    esac
}
failed=0
for target in $targets; do
    corpus=$tree/fuzz/corpus/$target artifacts=$tree/fuzz/artifacts/$target
    mkdir -p "$corpus" "$artifacts"
    folders=()
    for folder in $(seeds "$target"); do [ ! -d "$folder" ] || folders+=("$folder"); done
    if [ "$target" = grammar ]; then
        # A 0 stands before GBNF, anything else before a schema; the last 16 bytes choose the walk.
        for file in "$tree"/grammars/*; do
            case $file in *.gbnf) kind='\0' ;; *) kind='1' ;; esac
            { printf "$kind"; cat "$file"; printf 'fedcba9876543210'; } >"$corpus/seed-$(basename "$file")"
        done
    fi
    echo "fuzz: $target for $seconds s" >&2
    "${CARGO_TARGET_DIR:-$tree/fuzz/target}/$host/release/$target" "$corpus" "${folders[@]}" -max_total_time="$seconds" \
        -artifact_prefix="$artifacts/" -timeout=25 -rss_limit_mb=2048 -print_final_stats=1 || failed=1
done
exit $failed
