"""Golden values of PyTorch's ctc_loss for logits: the loss of each row, and the gradient of the logits, in float64 (12 digits).

Rows whose labels do not fit their steps have a loss of 0 without a gradient (zero_infinity). Labels past a row's length are 0.

Run:  python3 make_pytorch_ctc.py   (torch from PyPI). Writes pytorch-ctc.json beside this file.
Every input is a multiple of 1/64, so that it is the same in float32 and float64.
"""

import json
import os

import torch

HERE = os.path.dirname(os.path.abspath(__file__))

# (time, classes, blank, steps of each row, labels of each row)
CASES = [
    (6, 4, 0, [6, 4, 3], [[1, 2, 3], [2, 2], [1]]),
    (5, 3, 2, [5, 5, 2, 1], [[0, 0, 1], [], [1, 0], [1]]),
    (1, 3, 0, [1, 1], [[2], []]),
    (12, 6, 3, [12], [[0, 1, 1, 5, 5, 5, 2]]),
    (4, 3, 0, [3, 2, 4], [[1, 1, 1], [2, 2], [1, 2, 1, 2]]),
    (8, 2, 0, [8, 7, 0], [[1, 1, 1, 1], [1], []]),
]


def plain(tensor):
    return {"shape": list(tensor.shape), "data": [float(f"{x:.12g}") for x in tensor.detach().flatten()]}


cases = []
for seed, (time, classes, blank, steps, labels) in enumerate(CASES):
    generator = torch.Generator().manual_seed(seed)
    draw = lambda *shape: torch.randint(-192, 193, shape, generator=generator).double() / 64
    batch = len(steps)
    logits = draw(time, batch, classes).requires_grad_()
    cotangents = draw(batch)
    width = max([1, *map(len, labels)])
    padded = torch.tensor([row + [0] * (width - len(row)) for row in labels])
    losses = torch.nn.functional.ctc_loss(
        logits.log_softmax(-1), padded, torch.tensor(steps), torch.tensor([len(row) for row in labels]),
        blank=blank, reduction="none", zero_infinity=True,
    )
    (losses * cotangents).sum().backward()
    cases.append({
        "blank": blank, "steps": steps, "labels": labels, "logits": plain(logits), "cotangents": plain(cotangents),
        "losses": plain(losses), "gradients": plain(logits.grad),
    })

with open(os.path.join(HERE, "pytorch-ctc.json"), "w") as file:
    json.dump({"script": os.path.basename(__file__), "torch": torch.__version__.split("+")[0], "cases": cases}, file)
    file.write("\n")
