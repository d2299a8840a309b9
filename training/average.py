"""Averages the weights of checkpoints of one run, or of runs that went on from one another.

usage: average.py OUT.pt CHECKPOINT.pt CHECKPOINT.pt [...]

Where a run warms up again from the end of another, the mean of the two ends is often better than either (Wortsman et al. 2022,
model soups).
"""

import sys

import torch


def main(out, *paths):
    if len(paths) < 2:
        raise SystemExit(__doc__)
    parts = [torch.load(path, map_location="cpu", weights_only=True) for path in paths]
    for path, part in zip(paths, parts):
        if part["config"] != parts[0]["config"]:
            raise SystemExit(f"{path}: another shape than {paths[0]}: {part['config']} and {parts[0]['config']}")
    model = {name: sum(part["model"][name] for part in parts) / len(parts) for name in parts[0]["model"]}
    last = parts[-1]
    state = {"model": model, "config": last["config"], "step": last["step"], "seen": last["seen"], "tokens": sum(p["tokens"] for p in parts)}
    torch.save(state, out)


if __name__ == "__main__":
    main(*sys.argv[1:])
