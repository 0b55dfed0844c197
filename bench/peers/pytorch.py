"""The model of the measurements in PyTorch: one line in names a case and a number of threads, one line out tells its milliseconds."""

import json
import sys
import time

import torch
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits


class Model(nn.Module):
    def __init__(self, words, embedding, hidden):
        super().__init__()
        self.embedding = nn.Embedding(words, embedding)
        self.lstm = nn.LSTM(embedding, hidden)
        self.dense = nn.Linear(hidden, 1)

    def forward(self, ids):
        _, (h, _) = self.lstm(self.embedding(ids.t()))
        return self.dense(h[0])[:, 0]


def main():
    sizes = json.loads(sys.stdin.readline())
    torch.manual_seed(1)
    model = Model(sizes["words"], sizes["embedding"], sizes["hidden"])
    optimizer = torch.optim.Adam(model.parameters(), eps=1e-7)
    ids = torch.randint(1, sizes["words"], (sizes["batch"], sizes["time"]))
    labels = torch.rand(sizes["batch"]).round()

    def train():
        optimizer.zero_grad()
        binary_cross_entropy_with_logits(model(ids), labels).backward()
        optimizer.step()

    def predict():
        with torch.no_grad():
            torch.sigmoid(model(ids))

    cases = {"train": train, "predict": predict}
    blas = {line.split("/")[-1].strip() for line in open("/proc/self/maps") if "blas" in line}
    print(json.dumps({"version": torch.__version__, "blas": sorted(blas)}), flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        torch.set_num_threads(request["threads"])
        start = time.perf_counter()
        cases[request["case"]]()
        print(json.dumps({"milliseconds": (time.perf_counter() - start) * 1000}), flush=True)


main()
