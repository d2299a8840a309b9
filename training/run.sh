#!/usr/bin/env bash
# Trains the bundled model from nothing: run.sh [cpu | gpu | smoke]. Goes on where it was stopped.
set -euo pipefail
cd "$(dirname "$0")/.."
mode=${1:-cpu}
out=training/out/$mode
python=${PYTHON:-training/out/venv/bin/python}
mkdir -p "$out"
case $mode in
  cpu)   count=800000 steps=9000 bare=600 batch=8192 extra=(--compile --threads "${THREADS:-2}") ;;
  gpu)   count=4000000 steps=20000 bare=500 batch=65536 extra=() ;;
  smoke) count=3000 steps=40 bare=20 batch=2048 extra=(--threads "${THREADS:-2}") ;;
  *) echo "usage: training/run.sh [cpu | gpu | smoke]" >&2; exit 2 ;;
esac
# PINTAIL names a program that is built already.
[ -n "${PINTAIL:-}" ] || cargo build --release
pintail=${PINTAIL:-${CARGO_TARGET_DIR:-target}/release/pintail}
words=${WORDS:-0.03}
once() { # once FILE COMMAND...: what is there is not made again
  [ -e "$1" ] || { "${@:2}" > "$1.new" && mv "$1.new" "$1"; }
}
once "$out/control.txt" "$pintail" render --tokens
once "$out/train.jsonl" "$pintail" render -n "$count" --seed 1000 --per-scene 32 --bare
once "$out/held.jsonl" "$pintail" render -n 2500 --seed 77 --per-scene 8 --bare
[ -e "$out/tokenizer.json" ] || "$python" training/tokenizer.py "$out/train.jsonl" "$out/control.txt" "$out/tokenizer.json"
[ -e "$out/train.npz" ] || "$python" training/prepare.py "$out/tokenizer.json" "$out/train.jsonl" "$out/train.npz"
[ -e "$out/held.npz" ] || "$python" training/prepare.py "$out/tokenizer.json" "$out/held.jsonl" "$out/held.npz"
"$python" training/train.py --data "$out/train.npz" --held "$out/held.npz" --out "$out" \
  --steps "$steps" --bare "$bare" --batch "$batch" --rate 1.5e-3 --fall 0.7 --mix 0.05 --request-weight "$words" --every 200 \
  --width 192 --layers 8 --heads 6 --kv-heads 2 --ffn 512 "${extra[@]}"
"$python" training/export.py "$out/checkpoint.pt" "$out/tokenizer.json" "$out/pintail.gguf"
echo "copy $out/pintail.gguf to models/pintail.gguf to bundle it"
