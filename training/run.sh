#!/usr/bin/env bash
# Trains the bundled model from nothing: run.sh [cpu | gpu | smoke]. Goes on where it was stopped.
#
# PINTAIL names a program that is built already, PYTHON an interpreter with requirements.txt; COMPILE= turns torch.compile off.
set -euo pipefail
cd "$(dirname "$0")/.."
mode=${1:-cpu}
out=training/out/$mode
export out python=${PYTHON:-training/out/venv/bin/python}
cores=$(nproc)
case $mode in
  # shards of requests: how many before training begins, how many while it runs, requests each; how often the written requests stand beside them, and
  # in how many worlds each time, put together anew
  cpu)   first=16 later=0 requests=50000 writings=16 mixtures=600 steps=9000 bare=600 batch=8192 rate=2e-3 size=(--width 192 --layers 12 --heads 6 --kv-heads 2 --ffn 768)
         extra=(--threads "${THREADS:-2}" --every 200) ;;
  gpu)   first=$cores later=400 requests=20000 writings=64 mixtures=600 steps=20000 bare=500 batch=65536 rate=2e-3 size=(--width 256 --layers 8 --heads 8 --kv-heads 2 --ffn 640)
         extra=(--workers "$((cores / 3))" --every 1000) ;;
  smoke) first=2 later=0 requests=2000 writings=1 mixtures=20 steps=40 bare=20 batch=2048 rate=2e-3 size=(--width 64 --layers 2 --heads 2 --kv-heads 1 --ffn 128)
         extra=(--threads "${THREADS:-2}" --every 20) ;;
  *) echo "usage: training/run.sh [cpu | gpu | smoke]" >&2; exit 2 ;;
esac
[ "$mode" = smoke ] || [ "${COMPILE-yes}" = "" ] || extra+=(--compile)
[ -n "${PINTAIL:-}" ] || cargo build --release
export pintail=${PINTAIL:-${CARGO_TARGET_DIR:-target}/release/pintail}
mkdir -p "$out/data" "$out/parts"
# What a step frees the next one asks for again: given back to the system, each page is cleared anew (a tenth of the time on two cores).
export MALLOC_MMAP_MAX_=0 MALLOC_TRIM_THRESHOLD_=17179869184 MALLOC_ARENA_MAX=1 MALLOC_TOP_PAD_=268435456

shard() { # shard FILE REQUESTS SEED PER_SCENE: what is there is not made again
  [ ! -e "$1" ] || return 0
  local part=$out/parts/${1##*/}
  "$pintail" render -n "$2" --seed "$3" --per-scene "$4" --bare |
    TOKENIZERS_PARALLELISM=false "$python" training/prepare.py training/tokenizer-v1.json /dev/stdin "$part" >/dev/null
  mv "$part" "$1"
}
shards() { # shards FROM TO AT_ONCE
  seq -f %03g "$1" "$2" | xargs -P "$3" -I{} bash -c 'shard "$out/data/{}.npz" "$0" "$((1000 + 10#{}))" 32' "$requests"
}
written() { # written FILE SEED [WORLDS]: the written requests, every one that has an answer; with WORLDS put together anew in so many worlds
  [ ! -e "$1" ] || return 0
  local part=$out/parts/${1##*/} agent from=training/written
  if [ -n "${3:-}" ]; then
    from=$out/parts/mixed-$2
    "$python" training/mix.py training/written "$from" --worlds "$3" --seed "$2" >/dev/null
  fi
  for agent in "$from"/*.toml; do
    "$pintail" render --agent "$agent" --cases "${agent%.toml}.jsonl" --seed "$2" --per-scene 32 --bare 2>/dev/null
  done | TOKENIZERS_PARALLELISM=false "$python" training/prepare.py training/tokenizer-v1.json /dev/stdin "$part" 32 >/dev/null
  mv "$part" "$1"
  [ -z "${3:-}" ] || rm -r "$from"
}
export -f shard written
shard "$out/held.npz" 2500 77 8
shards 1 "$first" "$cores"
seq 1 "$writings" | xargs -P "$cores" -I{} bash -c 'written "$out/data/written-{}.npz" {}; written "$out/data/mixed-{}.npz" {} "$0"' "$mixtures"
shards "$((first + 1))" "$((first + later))" "$((cores / 2 + 1))" &
trap 'kill %1 2>/dev/null || true' EXIT
"$python" training/train.py --data "$out/data/*.npz" --held "$out/held.npz" --out "$out" \
  --steps "$steps" --bare "$bare" --batch "$batch" --rate "$rate" --fall 0.7 --mix 0.05 --request-weight 0.03 "${size[@]}" "${extra[@]}"
"$python" training/export.py "$out/checkpoint.pt" training/tokenizer-v1.json "$out/whole.gguf" f32
"$pintail" quantize "$out/whole.gguf" "$out/pintail.gguf" Q4_0
echo "copy $out/pintail.gguf to models/pintail.gguf to bundle it"
