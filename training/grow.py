"""Makes a checkpoint deeper or wider without changing what it computes.

usage: grow.py CHECKPOINT.pt LAYERS OUT.pt [FFN]

New blocks stand between the old ones, spread evenly, each a copy of the block before it whose two ways out
(`o` and `down`) are zero: they pass through what they are given until training moves them (Gong et al. 2019, stacking;
Chen et al. 2016, Net2Net). With FFN, every block gets hidden units up to so many: drawn ways in, as long as those there are,
and ways out of zero. `train.py --start OUT.pt --layers LAYERS --ffn FFN` goes on from there.
"""

import sys

import torch


def deeper(saved, layers):
    """The saved model's weights with `layers` blocks."""
    old = saved["config"]["layers"]
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
    return model


def wider(model, ffn):
    """The weights with `ffn` hidden units in every block."""
    drawn = torch.Generator().manual_seed(ffn)

    def grown(rows):
        new = torch.randn(ffn - len(rows), rows.shape[1], generator=drawn)
        return torch.cat((rows, new * rows.std()))

    for name, value in model.items():
        if name.endswith("gate_up.weight"):
            model[name] = torch.cat([grown(half) for half in value.chunk(2)])
        if name.endswith("down.weight"):
            model[name] = torch.cat((value, value.new_zeros(value.shape[0], ffn - value.shape[1])), 1)
    return model


def main(checkpoint, layers, out, ffn=None):
    saved = torch.load(checkpoint, map_location="cpu", weights_only=True)
    config, layers = saved["config"], int(layers)
    ffn = int(ffn or config["ffn"])
    if layers < config["layers"] or ffn < config["ffn"] or (layers, ffn) == (config["layers"], config["ffn"]):
        raise SystemExit(f"{checkpoint} has {config['layers']} layers of {config['ffn']} hidden units: give more than that")
    model = wider(deeper(saved, layers), ffn)
    config = {**config, "layers": layers, "ffn": ffn}
    torch.save({"model": model, "config": config, **{key: saved[key] for key in ("step", "tokens", "seen")}}, out)


if __name__ == "__main__":
    if len(sys.argv) not in (4, 5):
        raise SystemExit(__doc__)
    main(*sys.argv[1:])
