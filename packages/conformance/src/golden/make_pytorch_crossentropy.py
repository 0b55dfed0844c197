"""Golden values of PyTorch's cross_entropy with label smoothing: the loss of each row, and the gradient of the logits, in float64 (12 digits).

Run:  python3 make_pytorch_crossentropy.py   (torch from PyPI). Writes pytorch-crossentropy.json beside this file.
Every input is a multiple of 1/64, so that it is the same in float32 and float64.
"""

import json
import os

import torch

HERE = os.path.dirname(os.path.abspath(__file__))

# (rows, classes, label smoothing)
CASES = [(5, 4, 0.0), (5, 4, 0.1), (3, 37, 0.1), (1, 2, 0.5), (4, 9, 0.9)]


def plain(tensor):
    return {"shape": list(tensor.shape), "data": [float(f"{x:.12g}") for x in tensor.detach().flatten()]}


cases = []
for seed, (rows, classes, smoothing) in enumerate(CASES):
    generator = torch.Generator().manual_seed(seed)
    draw = lambda *shape: torch.randint(-384, 385, shape, generator=generator).double() / 64
    logits = draw(rows, classes).requires_grad_()
    labels = torch.randint(0, classes, (rows,), generator=generator)
    cotangents = draw(rows)
    losses = torch.nn.functional.cross_entropy(logits, labels, reduction="none", label_smoothing=smoothing)
    (losses * cotangents).sum().backward()
    cases.append({
        "labelSmoothing": smoothing, "labels": labels.tolist(), "logits": plain(logits), "cotangents": plain(cotangents),
        "losses": plain(losses), "gradients": plain(logits.grad),
    })

with open(os.path.join(HERE, "pytorch-crossentropy.json"), "w") as file:
    json.dump({"script": os.path.basename(__file__), "torch": torch.__version__.split("+")[0], "cases": cases}, file)
    file.write("\n")
