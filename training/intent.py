"""Fits the vectors of src/prompt/intent: which of the user's tools a request is for, or none, by its words and those of the tools.

    intent.py PROGRAM [--worlds training/written] [--test FOLDERS] [--out models/intent.gguf]

A softmax over the tools and none, learnt from the written requests. The words are the program's (`pintail render --intents`), hashed to rows of
two tables. Each epoch sees every request for a tool and as many others. The same requests give the same file.
"""

import argparse
import glob
import itertools
import json
import subprocess
from concurrent.futures import ThreadPoolExecutor

import gguf
import numpy
import torch

# As in src/prompt/intent.rs.
REQUEST, TOOL, ROW, FIELDS, SHAPE = 8192, 4096, 32, 4, 6
VECTOR = ROW - 2


class Requests:
    """Requests for one tool or none; a tool's words are kept once for all that may be for it."""

    def __init__(self):
        self.tools, self.words, self.rows = {}, [], []

    def read(self, program, folders):
        agents = sorted(itertools.chain.from_iterable(glob.glob(f"{folder}/*.toml") for folder in folders))

        def render(agent):
            command = [program, "render", "--agent", agent, "--cases", agent.removesuffix(".toml") + ".jsonl", "--intents"]
            return subprocess.run(command, capture_output=True, check=True, text=True).stdout

        with ThreadPoolExecutor(2) as pool:
            for lines in pool.map(render, agents):
                for line in lines.splitlines():
                    self.add(json.loads(line))
        return self

    def add(self, one):
        if not one["tools"] or len(one["gold"]) > 1:
            return
        tools = []
        for tool in one["tools"]:
            key = tuple(map(tuple, tool["words"]))
            if key not in self.tools:
                self.tools[key] = len(self.words)
                self.words.append([(bucket, field) for field, words in enumerate(key) for bucket in words])
            common = [(bucket, field) for field, words in enumerate(tool["common"]) for bucket in words]
            tools.append((self.tools[key], common, tool["shape"]))
        self.rows.append((one["request"], tools, one["gold"][0] if one["gold"] else len(tools)))


def padded(lists, width=0):
    """Lists of numbers as one tensor, and which of its elements they are."""
    width = max([width, 1, *map(len, lists)])
    values, mask = numpy.zeros((len(lists), width), dtype=numpy.int64), numpy.zeros((len(lists), width), dtype=numpy.float32)
    for at, some in enumerate(lists):
        values[at, : len(some)] = some
        mask[at, : len(some)] = 1
    return torch.from_numpy(values), torch.from_numpy(mask)


class Intent(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.request = torch.nn.Parameter(torch.zeros(REQUEST, ROW))
        self.tool = torch.nn.Parameter(torch.zeros(TOOL, ROW))
        torch.nn.init.normal_(self.request[:, :VECTOR].data, std=0.3)
        torch.nn.init.normal_(self.tool[:, :VECTOR].data, std=0.3)
        self.shape = torch.nn.Parameter(torch.tensor([1.0, 0.7, 0.5, 0.3] + [0.5, 0.3, 0.2, 0.2] + [0.0] * SHAPE + [0.0]))

    def forward(self, requests, rows, drop=0.0):
        """Scores of each row's tools and of none, which stands behind the most tools of any row."""
        fields, common, shape, none = self.shape.split([FIELDS, FIELDS, SHAPE, 1])
        kept = lambda mask: torch.nn.functional.dropout(mask, drop, self.training)
        said, is_said = padded([row[0] for row in rows])
        weights = torch.nn.functional.embedding(said, self.request)
        meant = (weights * kept(is_said)[..., None]).sum(1)
        long = is_said.sum(1).clamp_min(1).sqrt()
        unique = sorted({tool for row in rows for tool, _, _ in row[1]})
        place = {tool: at for at, tool in enumerate(unique)}
        words, is_word = padded([[bucket for bucket, _ in requests.words[tool]] for tool in unique])
        field, _ = padded([[field for _, field in requests.words[tool]] for tool in unique])
        known = torch.nn.functional.embedding(words, self.tool)[..., :VECTOR] * (fields[field] * kept(is_word))[..., None]
        known = known.sum(1) / is_word.sum(1).clamp_min(1).sqrt()[:, None]
        most = max(len(row[1]) for row in rows)
        tools, is_tool = padded([[place[tool] for tool, _, _ in row[1]] for row in rows], most)
        near = torch.einsum("bd,bkd->bk", meant[:, :VECTOR], known[tools]) / long[:, None]
        pairs = [[common for _, common, _ in row[1]] + [[]] * (most - len(row[1])) for row in rows]
        pairs = list(itertools.chain.from_iterable(pairs))
        shared, is_shared = padded([[bucket for bucket, _ in pair] for pair in pairs])
        field, _ = padded([[field for _, field in pair] for pair in pairs])
        worth = (1 + self.request[:, VECTOR][shared]) * common[field] * is_shared
        shapes = numpy.zeros((len(rows), most, SHAPE), dtype=numpy.float32)
        for at, row in enumerate(rows):
            for tool, (_, _, told) in enumerate(row[1]):
                shapes[at, tool] = told
        scores = near + worth.sum(1).view(len(rows), most) + torch.from_numpy(shapes) @ shape
        scores = scores.masked_fill(is_tool == 0, -1e9)
        return torch.cat([scores, (meant[:, VECTOR + 1] + none)[:, None]], 1)


def right(rows):
    most = max(len(row[1]) for row in rows)
    return torch.tensor([gold if gold < len(tools) else most for _, tools, gold in rows])


def fit(requests, epochs, decay, seed):
    torch.manual_seed(seed)
    random = numpy.random.default_rng(seed)
    model = Intent()
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3, weight_decay=decay)
    called = [row for row in requests.rows if row[2] < len(row[1])]
    others = [row for row in requests.rows if row[2] == len(row[1])]
    batch, size = 128, len(called) + min(len(others), len(called))
    steps = epochs * (size // batch)
    step = 0
    for epoch in range(epochs):
        rows = called + [others[at] for at in random.permutation(len(others))[: len(called)]]
        rows = [rows[at] for at in random.permutation(len(rows))]
        total = 0.0
        for start in range(0, size - batch + 1, batch):
            for group in optimizer.param_groups:
                group["lr"] = 5e-3 * (1 - step / steps)
            some = rows[start : start + batch]
            loss = torch.nn.functional.cross_entropy(model(requests, some, drop=0.1), right(some))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item()
            step += 1
        print(f"epoch {epoch + 1}: {total / (size // batch):.3f} nats", flush=True)
    return model.eval()


def report(what, model, requests):
    counts = {"tool": [0, 0], "none": [0, 0]}
    with torch.no_grad():
        for start in range(0, len(requests.rows), 256):
            rows = requests.rows[start : start + 256]
            scores = model(requests, rows)
            for (_, tools, gold), score in zip(rows, scores):
                kind = "tool" if gold < len(tools) else "none"
                hit = score[:-1].argmax() == gold if kind == "tool" else score.argmax() == len(score) - 1
                counts[kind][0] += int(hit)
                counts[kind][1] += 1
    (tool, tools), (none, nones) = counts["tool"], counts["none"]
    print(f"{what}: of {tools} requests for a tool {tool / tools:.1%} are nearest to theirs, of {nones} others {none / nones:.1%} to none", flush=True)


def write(model, out):
    writer = gguf.GGUFWriter(out, "pintail-intent")
    q8 = gguf.GGMLQuantizationType.Q8_0
    for name, table in (("request.weight", model.request), ("tool.weight", model.tool)):
        writer.add_tensor(name, gguf.quants.quantize(table.detach().numpy(), q8), raw_dtype=q8)
    writer.add_tensor("shape.weight", model.shape.detach().numpy())
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("--worlds", nargs="+", default=["training/written"])
    parser.add_argument("--test", nargs="+", default=[], help="folders of worlds to measure the vectors on")
    parser.add_argument("--out", default="models/intent.gguf")
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--decay", type=float, default=0.01)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    requests = Requests().read(args.program, args.worlds)
    model = fit(requests, args.epochs, args.decay, args.seed)
    report("learnt from", model, requests)
    for folder in args.test:
        report(folder, model, Requests().read(args.program, [folder]))
    write(model, args.out)


if __name__ == "__main__":
    main()
