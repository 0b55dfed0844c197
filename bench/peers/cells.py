"""
Training steps of one recurrence and a dense layer in PyTorch: the cells that it has none of as a loop over a module, as its users write them. Options: cell;
way, eager or script (TorchScript, which joins the ops of a step); sizes. It has one thread and tells processor time.
"""

import json
import sys
import time

import torch
from protocol import serve


class Peephole(torch.nn.Module):
    """The LSTM with peepholes; the product with x is made for all steps at once."""

    def __init__(self, features: int, units: int):
        super().__init__()
        self.units = units
        self.of_x = torch.nn.Linear(features, 4 * units)
        self.of_h = torch.nn.Linear(units, 4 * units, bias=False)
        self.pi, self.po, self.pf = (torch.nn.Parameter(torch.randn(units) * 0.05) for _ in range(3))

    def forward(self, x):
        sums = self.of_x(x)
        h = torch.zeros(x.shape[1], self.units)
        c = torch.zeros(x.shape[1], self.units)
        for t in range(x.shape[0]):
            i, o, f, z = (sums[t] + self.of_h(h)).chunk(4, 1)
            c = torch.sigmoid(f + self.pf * c) * c + torch.sigmoid(i + self.pi * c) * torch.tanh(z)
            h = torch.sigmoid(o + self.po * c) * torch.tanh(c)
        return h


class MinGru(torch.nn.Module):
    def __init__(self, features: int, units: int):
        super().__init__()
        self.units = units
        self.of_x = torch.nn.Linear(features, 2 * units)

    def forward(self, x):
        z, candidate = self.of_x(x).chunk(2, 2)
        z = torch.sigmoid(z)
        candidate = z * torch.where(candidate >= 0, candidate + 0.5, torch.sigmoid(candidate))
        keep = 1 - z
        h = torch.zeros(x.shape[1], self.units)
        for t in range(x.shape[0]):
            h = keep[t] * h + candidate[t]
        return h


class Lstm(torch.nn.Module):
    def __init__(self, features: int, units: int):
        super().__init__()
        self.lstm = torch.nn.LSTM(features, units)

    def forward(self, x):
        return self.lstm(x)[0][-1]


def main():
    options = json.loads(sys.argv[2])
    torch.manual_seed(1)
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    batch, steps, features, units = options["sizes"]
    recurrence = {"peepholeLstm": Peephole, "minGru": MinGru, "lstm": Lstm}[options["cell"]](features, units)
    if options["way"] == "script":
        recurrence = torch.jit.script(recurrence)
    dense = torch.nn.Linear(units, 1)
    optimizer = torch.optim.Adam([*recurrence.parameters(), *dense.parameters()], lr=0.001, fused=True)
    x, y = torch.rand(steps, batch, features) * 2 - 1, torch.rand(batch, 1)

    def step(_):
        optimizer.zero_grad()
        loss = torch.nn.functional.mse_loss(dense(recurrence(x)), y)
        loss.backward()
        optimizer.step()
        return loss.item()

    # Whatever else the machine does.
    serve(step, clock=time.process_time, version=torch.__version__)


main()
