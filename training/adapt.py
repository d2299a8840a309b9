"""Fits the bundled model to one agent's devices and tools, on a PC; writes the new model only when it is better.

usage: adapt.py PINTAIL AGENT.toml OUT.gguf [--model IN.gguf] [--examples CASES.jsonl] [--cases CASES.jsonl] [--steps N] [--rank R] [--seed S]

Requests are generated for the agent (`pintail render --agent --draw`), no labelled data is needed; --examples, recorded requests in the form of
`pintail eval`, are learnt from beside them. Low-rank additions to the matrices
(LoRA, Hu et al. 2021) learn from them and from as many requests in random worlds, so that nothing else is forgotten, and are
merged into the weights at the end. Before and after, the model is scored on the agent's own requests (others than those it learnt
from; and on --cases, recorded requests that are not among the examples) and on the shipped set, tests/data/eval. A model
that is not better on the agent's own, or more than half a point worse on the shipped set, is not written.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.nn.utils import parametrize

import export
import prepare
import restore
from model import Config, Model
from train import Data, held_out

HERE = os.path.dirname(os.path.abspath(__file__))
TOKENIZER = os.path.join(HERE, "tokenizer-v1.json")
BATCH = 4096
# How often the examples are learnt from, beside the generated requests.
EXAMPLES = 8
# Of the shipped set: what the model may lose, about what a set of 511 requests can tell.
MAY_LOSE = 0.005


class LowRank(nn.Module):
    """A weight plus the product of two thin matrices; the second is zero at first."""

    def __init__(self, weight, rank):
        super().__init__()
        rows, columns = weight.shape
        self.a = nn.Parameter(torch.randn(rank, columns) / columns**0.5)
        self.b = nn.Parameter(torch.zeros(rows, rank))

    def forward(self, weight):
        return weight + self.b @ self.a


def drawn(program, folder, name, count, seed, agent=None):
    """A file of generated requests, prepared; for the agent, or in random worlds."""
    source, out = os.path.join(folder, name + ".jsonl"), os.path.join(folder, name + ".npz")
    whose = ["--agent", agent, "--draw"] if agent else ["--per-scene", "32"]
    with open(source, "w") as file:
        subprocess.run([program, "render", "-n", str(count), "--seed", str(seed), "--bare", *whose], stdout=file, check=True)
    prepare.main(TOKENIZER, source, out)
    return out


def recorded(program, folder, agent, cases, seed):
    """A file of recorded requests, prepared, in an order and with pointers drawn from the seed."""
    source, out = os.path.join(folder, f"examples{seed}.jsonl"), os.path.join(folder, f"examples{seed}.npz")
    with open(source, "w") as file:
        command = [program, "render", "--agent", agent, "--cases", cases, "--seed", str(seed), "--per-scene", "32", "--bare"]
        if subprocess.run(command, stdout=file).returncode:
            sys.exit(1)  # it has said why
    prepare.main(TOKENIZER, source, out)
    return out


def scored(program, agent, cases, model):
    """Share of exact answers to recorded requests."""
    run = subprocess.run([program, "eval", agent, cases, "-m", model, "--json"], capture_output=True, text=True)
    if run.returncode:
        sys.exit(run.stderr.strip())
    return json.loads(run.stdout.splitlines()[-1])["exact"]


def shipped(program, model):
    """Share of exact answers to the shipped set."""
    run = subprocess.run([os.path.join(HERE, "evaluate.sh"), program, model], env={**os.environ, "JSON": "1"},
                         capture_output=True, text=True, check=True)
    return json.loads(run.stdout)["exact"]


def learn(model, own, general, steps, rate, seed):
    """Trains what is not frozen: by turns on the agent's requests and on others."""
    trained = [p for p in model.parameters() if p.requires_grad]
    optimiser = torch.optim.AdamW(trained, lr=rate, betas=(0.9, 0.97), weight_decay=0.0)
    queues, passes = [[], []], [0, 0]
    for step in range(steps):
        which = step % 2
        data = (own, general)[which]
        if not queues[which]:
            queues[which] = data.batches(BATCH, seed + passes[which])
            passes[which] += 1
        *what, at, target, weight = data.batch(queues[which].pop(), 0.0)
        for part in optimiser.param_groups:
            part["lr"] = rate * min(1.0, (step + 1) / 20, (steps - step) / (0.5 * steps))
        loss = F.cross_entropy(model(*what, at), target, reduction="none")
        loss = (loss * weight).sum() / weight.sum()
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        optimiser.step()
        if (step + 1) % 20 == 0:
            print(f"step {step + 1} of {steps}, loss {loss.item():.3f}", flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("agent")
    parser.add_argument("out")
    parser.add_argument("--model", default=os.path.join(HERE, "..", "models", "pintail.gguf"))
    parser.add_argument("--examples", help="recorded requests to learn from, as `pintail eval` takes them")
    parser.add_argument("--cases", help="recorded requests for the agent, as `pintail eval` takes them")
    parser.add_argument("--requests", type=int, default=8000)
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--rank", type=int, default=16)
    parser.add_argument("--rate", type=float, default=1e-3)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    args.program = os.path.abspath(args.program)
    torch.manual_seed(args.seed)
    with tempfile.TemporaryDirectory() as folder:
        start, new = os.path.join(folder, "start.pt"), os.path.join(folder, "new.gguf")
        restore.main(args.model, start)
        saved = torch.load(start, weights_only=True)
        model = Model(Config(**saved["config"]))
        model.load_state_dict(saved["model"])
        own = [drawn(args.program, folder, "own", args.requests, args.seed, args.agent)]
        if args.examples:
            own += [recorded(args.program, folder, args.agent, args.examples, args.seed + turn) for turn in range(EXAMPLES)]
        own = Data(own)
        general = Data([drawn(args.program, folder, "general", args.requests, args.seed)])
        held = Data([drawn(args.program, folder, "held", 1000, args.seed + 1000, args.agent)])
        cpu = torch.device("cpu")

        def scores(gguf):
            out = {"own": held_out(model, held, cpu, BATCH, 1000)[0], "shipped": shipped(args.program, gguf)}
            if args.cases:
                out["cases"] = scored(args.program, args.agent, args.cases, gguf)
            return out

        before = scores(os.path.abspath(args.model))
        print("before: " + "  ".join(f"{name} {value:.3f}" for name, value in before.items()), flush=True)
        model.requires_grad_(False)
        linear = [part for part in model.modules() if isinstance(part, nn.Linear)]
        for part in linear:
            parametrize.register_parametrization(part, "weight", LowRank(part.weight, args.rank))
        learn(model, own, general, args.steps, args.rate, args.seed)
        for part in linear:
            parametrize.remove_parametrizations(part, "weight", leave_parametrized=True)
        saved["model"] = model.state_dict()
        torch.save(saved, start)
        export.main(start, TOKENIZER, new)
        after = scores(new)
        print("after:  " + "  ".join(f"{name} {value:.3f}" for name, value in after.items()), flush=True)
        mine = "cases" if args.cases else "own"
        if after["own"] < before["own"] or after[mine] < before[mine] or after == before:
            sys.exit(f"not better on the agent's own requests: {args.out} is not written")
        if after["shipped"] < before["shipped"] - MAY_LOSE:
            sys.exit(f"worse on the shipped set: {args.out} is not written")
        with open(new, "rb") as file, open(args.out + ".new", "wb") as out:
            out.write(file.read())
        os.replace(args.out + ".new", args.out)
        print(f"written: {args.out}; run the agent with -m {args.out}, and `pintail calibrate` it")


if __name__ == "__main__":
    main()
