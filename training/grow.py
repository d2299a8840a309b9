"""Makes a checkpoint deeper without changing what it computes.

usage: grow.py CHECKPOINT.pt LAYERS OUT.pt

New blocks stand between the old ones, spread evenly, each a copy of the block before it whose two ways out
(`o` and `down`) are zero: they pass through what they are given until training moves them (Gong et al. 2019, stacking;
Chen et al. 2016, Net2Net). `train.py --start OUT.pt --layers LAYERS` goes on from there.
"""

import sys

import torch


def main(checkpoint, layers, out):
    saved = torch.load(checkpoint, map_location="cpu", weights_only=True)
    old, layers = saved["config"]["layers"], int(layers)
    if layers <= old:
        raise SystemExit(f"{checkpoint} has {old} layers: give more than that")
    model = {name: value for name, value in saved["model"].items() if not name.startswith("blocks.")}
    before = None
    for layer in range(layers):
        # The old block that stands here, or the last one before it.
        source = ((layer + 1) * old - 1) // layers
        for name, value in saved["model"].items():
            if name.startswith(f"blocks.{source}."):
                part = name.split(".", 2)[2]
                new = source == before and part in ("o.weight", "down.weight")
                model[f"blocks.{layer}.{part}"] = torch.zeros_like(value) if new else value.clone()
        before = source
    config = {**saved["config"], "layers": layers}
    torch.save({"model": model, "config": config, **{key: saved[key] for key in ("step", "tokens", "seen")}}, out)


if __name__ == "__main__":
    if len(sys.argv) != 4:
        raise SystemExit(__doc__)
    main(*sys.argv[1:])
