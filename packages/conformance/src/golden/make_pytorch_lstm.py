"""Golden values of PyTorch's LSTM: outputs, final states and gradients, in float64 (12 digits), with ragged lengths and initial states.

Run with Debian's python3-torch:  python3 make_pytorch_lstm.py
Writes pytorch-lstm.json beside this file. Every input is a multiple of 1/64, so that it is the same in float32 and float64
and the sum of PyTorch's two biases is exact. Both directions of a bidirectional layer are written, each as a layer of its own.
"""

import json
import os

import torch

SCRIPT = os.path.basename(__file__)
HERE = os.path.dirname(os.path.abspath(__file__))

# time, batch, input, hidden, lengths (None: all steps), with initial states
CASES = [
    (1, 1, 1, 1, None, False),
    (4, 2, 3, 5, None, False),
    (3, 3, 2, 4, None, True),
    (5, 4, 3, 3, [2, 5, 1, 4], False),
    (6, 3, 2, 4, [6, 1, 3], True),
    (7, 1, 4, 1, [3], True),
    (2, 5, 7, 6, [1, 2, 2, 1, 2], True),
]


def draw(generator, *shape):
    return torch.randint(-64, 65, shape, generator=generator).double() / 64


def plain(tensor):
    return {"shape": list(tensor.shape), "data": [float(f"{x:.12g}") for x in tensor.detach().flatten()]}


def make(seed, time, batch, inputs, hidden, lengths, initial):
    generator = torch.Generator().manual_seed(seed)
    layer = torch.nn.LSTM(inputs, hidden, bidirectional=True).double()
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.copy_(draw(generator, *parameter.shape))
    x = draw(generator, time, batch, inputs).requires_grad_()
    h0, c0 = (
        draw(generator, 2, batch, hidden).mul_(1 if initial else 0).requires_grad_() for _ in range(2)
    )
    dy, dh, dc = draw(generator, time, batch, 2 * hidden), draw(generator, 2, batch, hidden), draw(generator, 2, batch, hidden)

    directions = []
    for index, (direction, suffix) in enumerate([("forward", ""), ("reverse", "_reverse")]):
        for tensor in [x, h0, c0, *layer.parameters()]:
            tensor.grad = None
        if lengths is None:
            y, (h, c) = layer(x, (h0, c0))
        else:
            packed = torch.nn.utils.rnn.pack_padded_sequence(x, torch.tensor(lengths), enforce_sorted=False)
            packed, (h, c) = layer(packed, (h0, c0))
            y, _ = torch.nn.utils.rnn.pad_packed_sequence(packed, total_length=time)
        half = slice(index * hidden, (index + 1) * hidden)
        loss = (y * dy)[:, :, half].sum() + (h * dh)[index].sum() + (c * dc)[index].sum()
        loss.backward()
        named = {name: getattr(layer, f"{name}_l0{suffix}") for name in ["weight_ih", "weight_hh", "bias_ih", "bias_hh"]}
        directions.append(
            {
                "direction": direction,
                "weights": {name: plain(value) for name, value in named.items()},
                "h0": plain(h0[index]),
                "c0": plain(c0[index]),
                "cotangents": {"y": plain(dy[:, :, half]), "h": plain(dh[index]), "c": plain(dc[index])},
                "outputs": {"y": plain(y[:, :, half]), "h": plain(h[index]), "c": plain(c[index])},
                "gradients": {
                    "x": plain(x.grad),
                    **{name: plain(value.grad) for name, value in named.items()},
                    "h0": plain(h0.grad[index]),
                    "c0": plain(c0.grad[index]),
                },
            }
        )
    return {
        "hidden": hidden,
        "lengths": lengths or [time] * batch,
        "initialStates": initial,
        "x": plain(x),
        "directions": directions,
    }


golden = {
    "script": SCRIPT,
    "torch": torch.__version__,
    "cases": [make(seed, *case) for seed, case in enumerate(CASES)],
}
with open(os.path.join(HERE, "pytorch-lstm.json"), "w") as file:
    json.dump(golden, file, separators=(",", ":"))
    file.write("\n")
