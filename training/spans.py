"""Fits the weights of src/prompt/span: which words of a request a text parameter takes, by what stands at their edges.

    spans.py PROGRAM [--worlds training/written] [--out models/spans.tsv]

A conditional logistic regression over all spans of a request, for every text argument of the written requests. The features are the
program's (`pintail render --spans`); here they only get their weights. The same requests give the same file.
"""

import argparse
import collections
import glob
import itertools
import json
import subprocess
from concurrent.futures import ThreadPoolExecutor

import numpy
import torch


def arguments(program, agent):
    """The text arguments of an agent's recorded requests."""
    cases = agent.removesuffix(".toml") + ".jsonl"
    command = [program, "render", "--agent", agent, "--cases", cases, "--spans"]
    lines = subprocess.run(command, capture_output=True, check=True, text=True).stdout.splitlines()
    kept = []
    for line in lines:
        one = json.loads(line)
        if one["gold"]:
            kept.append(one)
    return kept


PARTS = ("starts", "ends", "inside")


class Bags:
    """The features of the beginnings, the ends or the insides of all spans, as bags of indices."""

    def __init__(self, bags, index):
        flat, offsets = [], []
        for features in bags:
            offsets.append(len(flat))
            flat.extend(index[f] for f in features if f in index)
        self.flat = torch.from_numpy(numpy.array(flat, dtype=numpy.int32))
        self.offsets = torch.from_numpy(numpy.array(offsets, dtype=numpy.int32))

    def scores(self, weights):
        return torch.nn.functional.embedding_bag(self.flat, weights, self.offsets, mode="sum")[:, 0]


class Spans:
    """All spans of all arguments: where their parts are among the bags, whose they are, and whether they are right."""

    def __init__(self, arguments, index):
        self.count = len(arguments)
        self.bags = {part: Bags((bag for one in arguments for bag in one[part]), index) for part in PARTS}
        first, last, owner, right = [], [], [], []
        before = 0
        for number, one in enumerate(arguments):
            gold = set(one["gold"])
            for at, (begin, end) in enumerate(one["spans"]):
                first.append(before + begin)
                last.append(before + end)
                owner.append(number)
                right.append(at in gold)
            before += len(one["starts"])
        self.first, self.last, self.owner = torch.tensor(first), torch.tensor(last), torch.tensor(owner)
        self.right = torch.tensor(right)

    def scores(self, weights):
        starts, ends, inside = (self.bags[part].scores(weights) for part in PARTS)
        return starts[self.first] + ends[self.last] + inside

    def surprise(self, weights):
        """How unlikely the right spans are, in nats, argument by argument."""
        scores = self.scores(weights)
        return self.log_sum(scores, torch.ones_like(self.right)) - self.log_sum(scores, self.right)

    def log_sum(self, scores, among):
        scores = torch.where(among, scores, torch.tensor(-1e9))
        most = torch.full((self.count,), -1e9).scatter_reduce(0, self.owner, scores.detach(), "amax")
        sums = torch.zeros(self.count).index_add(0, self.owner, torch.exp(scores - most[self.owner]))
        return most + sums.clamp_min(1e-30).log()

    def hits(self, weights):
        """How many arguments' likeliest spans are right."""
        scores = self.scores(weights)
        most = torch.full((self.count,), -1e9).scatter_reduce(0, self.owner, scores, "amax")
        return int((self.log_sum(scores, self.right) >= most - 1e-4).sum())


def read(program, worlds):
    """The text arguments of all agents of some folders."""
    agents = sorted(itertools.chain.from_iterable(glob.glob(f"{folder}/*.toml") for folder in worlds))
    with ThreadPoolExecutor(2) as pool:
        return [one for some in pool.map(lambda agent: arguments(program, agent), agents) for one in some]


def frequent(read, least):
    """The features that are in so many answers, or would be if any span could be one."""
    met, chance = collections.Counter(), collections.Counter()
    for one in read:
        gold, share = set(one["gold"]), 1 / len(one["spans"])
        begins, ends = collections.Counter(), collections.Counter()
        for at, ((first, last), inside) in enumerate(zip(one["spans"], one["inside"])):
            begins[first] += share
            ends[last] += share
            for feature in inside:
                chance[feature] += share
            if at in gold:
                for feature in itertools.chain(one["starts"][first], inside, one["ends"][last]):
                    met[feature] += 1
        for places, part in ((begins, "starts"), (ends, "ends")):
            for place, often in places.items():
                for feature in one[part][place]:
                    chance[feature] += often
    return sorted(f for f in met.keys() | chance.keys() if max(met[f], chance[f]) >= least)


def fit(spans, features, decay):
    weights = torch.zeros(features, 1, requires_grad=True)
    optimizer = torch.optim.LBFGS([weights], max_iter=80, history_size=8, line_search_fn="strong_wolfe")

    def loss():
        optimizer.zero_grad()
        value = spans.surprise(weights).sum() + decay / 2 * (weights**2).sum()
        value.backward()
        return value

    optimizer.step(loss)
    return weights.detach()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("--worlds", nargs="+", default=["training/written"])
    parser.add_argument("--test", nargs="+", default=[], help="folders of worlds to measure the weights on")
    parser.add_argument("--out", default="models/spans.tsv")
    parser.add_argument("--least", type=float, nargs="+", default=[10], help="how often a feature must be there, in answers or by chance")
    parser.add_argument("--decay", type=float, nargs="+", default=[1.0], help="what holds the weights small")
    args = parser.parse_args()
    learnt, tested = read(args.program, args.worlds), read(args.program, args.test)
    for least, decay in itertools.product(args.least, args.decay):
        names = frequent(learnt, least)
        index = {name: at for at, name in enumerate(names)}
        spans = Spans(learnt, index)
        weights = fit(spans, len(names), decay)
        report = [("learnt from", spans)] + ([("tested on", Spans(tested, index))] if tested else [])
        for what, some in report:
            nats, hits = some.surprise(weights).mean().item(), some.hits(weights)
            print(f"{what} {some.count} arguments: {nats:.3f} nats, {hits / some.count:.1%} likeliest", flush=True)
        print(f"{len(names)} features met {least:g} times, decay {decay:g}", flush=True)
    with open(args.out, "w") as out:
        for name, weight in zip(names, weights[:, 0].tolist()):
            if abs(weight) >= 0.005:
                out.write(f"{name}\t{weight:.2f}\n")


if __name__ == "__main__":
    main()
