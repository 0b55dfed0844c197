"""
The binary Tree-LSTM over words in PyTorch, the nodes of one height together. Options: threads; flush, whether subnormal numbers become zero; fused, whether
Adagrad is the fused one; sparse, whether the gradient of the words has only the rows that a batch names.
"""

import json
import sys
from pathlib import Path

import torch
from protocol import fastest, read_tensors, serve


class Batch:
    """Nodes are numbered by height, the leaves first: the words of the leaves, the left and right children of each level above, and the labels."""

    def __init__(self, trees, labels):
        levels, answers = [], []
        for row, tree in enumerate(trees):
            children = [[] for _ in tree["parents"]]
            heights = [0] * len(children)
            for node, parent in enumerate(tree["parents"]):
                if parent >= 0:
                    children[parent].append(node)
                    heights[parent] = max(heights[parent], heights[node] + 1)
            for node, height in enumerate(heights):
                while len(levels) <= height:
                    levels.append([])
                levels[height].append((row, node, children[node]))
        numbers = {}
        for level in levels:
            for row, node, _ in level:
                numbers[row, node] = len(numbers)
                answers.append(labels[row][node])
        self.words = torch.tensor([trees[row]["values"][node] for row, node, _ in levels[0]])
        self.levels = [
            tuple(torch.tensor([numbers[row, both[side]] for row, _, both in level]) for side in (0, 1)) for level in levels[1:]
        ]
        self.labels = torch.tensor(answers)


class Network(torch.nn.Module):
    def __init__(self, task, weights, sparse):
        super().__init__()
        self.units = task["units"]
        own = {name: torch.nn.Parameter(torch.from_numpy(array.copy())) for name, array in weights.items()}
        self.words = torch.nn.Embedding(task["words"], task["embedding"], sparse=sparse)
        self.words.weight = own["words/embeddings"]
        self.W, self.R, self.B = own["tree/W"], own["tree/R"], own["tree/B"]
        self.kernel, self.bias = own["class/kernel"], own["class/bias"]

    def leaves(self, words):
        i, o, _, u = torch.addmm(self.B, self.words(words), self.W.t()).chunk(4, 1)
        c = torch.sigmoid(i) * torch.tanh(u)
        return torch.sigmoid(o) * torch.tanh(c), c

    def nodes(self, h, c, left, right, bias):
        """The states of nodes from those of their children."""
        products = torch.addmm(bias, torch.cat((h.index_select(0, left), h.index_select(0, right)), 1), self.R.t())
        gates = torch.sigmoid(products[:, : 4 * self.units])
        i, o, first, second = gates.chunk(4, 1)
        c = i * torch.tanh(products[:, 4 * self.units :]) + first * c.index_select(0, left) + second * c.index_select(0, right)
        return o * torch.tanh(c), c

    def forward(self, batch, joined):
        i, o, f, u = self.B.chunk(4)
        bias = torch.cat((i, o, f, f, u))
        h, c = self.leaves(batch.words)
        if joined:
            # The states so far grow by a level at a time.
            for left, right in batch.levels:
                more = self.nodes(h, c, left, right, bias)
                h, c = torch.cat((h, more[0])), torch.cat((c, more[1]))
        else:
            # They are written into room for all.
            room = [torch.zeros(len(batch.labels), self.units) for _ in "hc"]
            end = len(h)
            for to, state in zip(room, (h, c)):
                to[:end] = state
            for left, right in batch.levels:
                start, end = end, end + len(left)
                for to, state in zip(room, self.nodes(*room, left, right, bias)):
                    to[start:end] = state
            h = room[0]
        return torch.addmm(self.bias, h, self.kernel)


def main():
    job, options = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")), json.loads(sys.argv[2])
    torch.set_num_threads(options["threads"])
    if options["flush"]:
        torch.set_flush_denormal(True)
    task, rows = job["task"], job["rows"]
    weights = read_tensors(job["weights"])
    size = task["batch"]
    batches = [
        Batch(rows["trees"][first : first + size], rows["labels"][first : first + size])
        for first in range(0, len(rows["trees"]), size)
    ]

    def stepper(joined):
        network = Network(task, weights, options["sparse"])
        settings = {"fused": True} if options["fused"] else {}
        optimizer = torch.optim.Adagrad(network.parameters(), lr=0.05, initial_accumulator_value=0.1, eps=1e-7, **settings)

        def step(at):
            batch = batches[at % len(batches)]
            optimizer.zero_grad()
            loss = torch.nn.functional.cross_entropy(network(batch, joined), batch.labels)
            loss.backward()
            optimizer.step()
            return loss.item()

        return step

    ways = {"levels joined": lambda: stepper(True), "room for all levels": lambda: stepper(False)}
    name, _ = fastest(ways, 0)
    # From the first weights again.
    serve(ways[name](), version=torch.__version__, way=name)


main()
