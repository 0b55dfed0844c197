"""Training steps of the network in PyTorch: torch_steps.py JOB OPTIONS.

JOB is the file that src/peers/job.ts describes. OPTIONS is JSON: threads, and padTo, the length that every batch is padded to; without
it each is padded to its longest row. Reads numbers of steps from standard input, a line each, and answers each with a line of JSON: the
milliseconds and the loss of every step. The output at each row's last word goes to the dense layer, which is what masking computes.
"""

import json
import sys
import time

import torch


def batches_of(job, pad_to):
    rows, labels, size = job["rows"], job["labels"], job["batch"]
    for start in range(0, len(rows), size):
        part = rows[start : start + size]
        longest = pad_to or max(len(row) for row in part)
        ids = torch.tensor([row + [0] * (longest - len(row)) for row in part])
        last = torch.tensor([len(row) - 1 for row in part])
        yield ids.t().contiguous(), last, torch.tensor(labels[start : start + size], dtype=torch.float32)


def own_gates(given):
    """From ONNX's gates (input, output, forget, cell) to PyTorch's (input, forget, cell, output)."""
    i, o, f, c = given.chunk(4)
    return torch.cat([i, f, c, o])


class Network(torch.nn.Module):
    def __init__(self, weights):
        super().__init__()
        words, width = weights["embedding/embeddings"]["shape"]
        units = weights["lstm/R"]["shape"][1]
        self.embedding = torch.nn.Embedding(words, width)
        self.lstm = torch.nn.LSTM(width, units)
        self.dense = torch.nn.Linear(units, 1)
        tensor = {name: torch.tensor(given["data"]).reshape(given["shape"]) for name, given in weights.items()}
        with torch.no_grad():
            self.embedding.weight.copy_(tensor["embedding/embeddings"])
            self.lstm.weight_ih_l0.copy_(own_gates(tensor["lstm/W"]))
            self.lstm.weight_hh_l0.copy_(own_gates(tensor["lstm/R"]))
            self.lstm.bias_ih_l0.copy_(own_gates(tensor["lstm/B"]))
            self.lstm.bias_hh_l0.zero_()
            self.dense.weight.copy_(tensor["dense/kernel"].t())
            self.dense.bias.copy_(tensor["dense/bias"])
        # One bias is trained, as in the other libraries.
        self.lstm.bias_hh_l0.requires_grad_(False)

    def forward(self, ids, last):
        outputs, _ = self.lstm(self.embedding(ids))
        return self.dense(outputs[last, torch.arange(ids.shape[1])]).squeeze(1)


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        job = json.load(file)
    options = json.loads(sys.argv[2])
    torch.set_num_threads(options["threads"])
    batches = list(batches_of(job, options.get("padTo")))
    network = Network(job["weights"])
    trained = [parameter for parameter in network.parameters() if parameter.requires_grad]
    optimizer = torch.optim.Adam(trained, lr=0.001, eps=1e-7)
    loss_of = torch.nn.BCEWithLogitsLoss()
    print(json.dumps({"ready": True, "version": torch.__version__}), flush=True)
    at = 0
    for line in sys.stdin:
        taken, losses = [], []
        for _ in range(int(line)):
            ids, last, labels = batches[at % len(batches)]
            at += 1
            start = time.perf_counter()
            optimizer.zero_grad()
            loss = loss_of(network(ids, last), labels)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
            taken.append((time.perf_counter() - start) * 1000)
        print(json.dumps({"ms": taken, "losses": losses}), flush=True)


main()
