"""Golden values of PyTorch's LSTM, GRU and RNN: outputs, final states and gradients, in float64 (12 digits).

Run with Debian's python3-torch, or torch from PyPI:  python3 make_pytorch.py [lstm] [gru] [rnn] [stacks]
Without names it writes all of pytorch-lstm.json, pytorch-gru.json, pytorch-rnn.json and pytorch-stacks.json beside this file.
Every input is a multiple of 1/64, so that it is the same in float32 and float64 and the sum of PyTorch's two biases is exact.
The first three hold one bidirectional layer a case, each direction written as a layer of its own; the last holds two bidirectional layers.
"""

import json
import os
import sys

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
STACKS = [
    (3, 2, 2, 3, None, True),
    (5, 3, 3, 2, [3, 5, 1], False),
    (4, 3, 2, 3, [1, 4, 2], True),
]
WEIGHTS = ["weight_ih", "weight_hh", "bias_ih", "bias_hh"]
DIRECTIONS = [("forward", ""), ("reverse", "_reverse")]


def draw(generator, *shape):
    return torch.randint(-64, 65, shape, generator=generator).double() / 64


def plain(tensor):
    return {"shape": list(tensor.shape), "data": [float(f"{x:.12g}") for x in tensor.detach().flatten()]}


def module(cell, inputs, hidden, layers):
    """The layer of a cell, and the names of its states. "rnn tanh" and "rnn relu" are two."""
    name, _, nonlinearity = cell.partition(" ")
    kind = {"lstm": torch.nn.LSTM, "gru": torch.nn.GRU, "rnn": torch.nn.RNN}[name]
    options = {"nonlinearity": nonlinearity} if nonlinearity else {}
    layer = kind(inputs, hidden, num_layers=layers, bidirectional=True, **options).double()
    return layer, ["h", "c"] if name == "lstm" else ["h"]


class Drawn:
    """A layer with drawn weights, inputs and cotangents."""

    def __init__(self, cell, seed, layers, time, batch, inputs, hidden, lengths, initial):
        generator = torch.Generator().manual_seed(seed)
        self.layer, self.states = module(cell, inputs, hidden, layers)
        self.time, self.lengths = time, lengths
        with torch.no_grad():
            for parameter in self.layer.parameters():
                parameter.copy_(draw(generator, *parameter.shape))
        self.x = draw(generator, time, batch, inputs).requires_grad_()
        self.initial = [
            draw(generator, 2 * layers, batch, hidden).mul_(1 if initial else 0).requires_grad_() for _ in self.states
        ]
        self.dy = draw(generator, time, batch, 2 * hidden)
        self.dlast = [draw(generator, 2 * layers, batch, hidden) for _ in self.states]

    def run(self):
        """y and the last states, with no gradients from before."""
        for tensor in [self.x, *self.initial, *self.layer.parameters()]:
            tensor.grad = None
        begin = tuple(self.initial) if len(self.initial) > 1 else self.initial[0]
        if self.lengths is None:
            y, last = self.layer(self.x, begin)
        else:
            packed = torch.nn.utils.rnn.pack_padded_sequence(
                self.x, torch.tensor(self.lengths), enforce_sorted=False
            )
            packed, last = self.layer(packed, begin)
            y, _ = torch.nn.utils.rnn.pad_packed_sequence(packed, total_length=self.time)
        return y, list(last) if len(self.initial) > 1 else [last]

    def named(self, layer, suffix):
        return {name: getattr(self.layer, f"{name}_l{layer}{suffix}") for name in WEIGHTS}


def single(cell, seed, time, batch, inputs, hidden, lengths, initial):
    """One bidirectional layer: each direction with the gradients of its own half of the outputs."""
    drawn = Drawn(cell, seed, 1, time, batch, inputs, hidden, lengths, initial)
    states = drawn.states
    directions = []
    for index, (direction, suffix) in enumerate(DIRECTIONS):
        y, last = drawn.run()
        half = slice(index * hidden, (index + 1) * hidden)
        loss = (y * drawn.dy)[:, :, half].sum()
        for state, cotangent in zip(last, drawn.dlast):
            loss = loss + (state * cotangent)[index].sum()
        loss.backward()
        named = drawn.named(0, suffix)

        def of(tensors):
            return {state: plain(tensor[index]) for state, tensor in zip(states, tensors)}

        begin = {f"{state}0": plain(tensor[index]) for state, tensor in zip(states, drawn.initial)}
        directions.append(
            {
                "direction": direction,
                "weights": {name: plain(value) for name, value in named.items()},
                **begin,
                "cotangents": {"y": plain(drawn.dy[:, :, half]), **of(drawn.dlast)},
                "outputs": {"y": plain(y[:, :, half]), **of(last)},
                "gradients": {
                    "x": plain(drawn.x.grad),
                    **{name: plain(value.grad) for name, value in named.items()},
                    **{f"{state}0": plain(tensor.grad[index]) for state, tensor in zip(states, drawn.initial)},
                },
            }
        )
    return {
        **({"nonlinearity": cell.split()[1]} if " " in cell else {}),
        "hidden": hidden,
        "lengths": lengths or [time] * batch,
        "initialStates": initial,
        "x": plain(drawn.x),
        "directions": directions,
    }


def stack(cell, seed, time, batch, inputs, hidden, lengths, initial):
    """Two bidirectional layers. Parts, and the states of all, are in PyTorch's order: layer by layer, forward before reverse."""
    drawn = Drawn(cell, seed, 2, time, batch, inputs, hidden, lengths, initial)
    y, last = drawn.run()
    loss = (y * drawn.dy).sum()
    for state, cotangent in zip(last, drawn.dlast):
        loss = loss + (state * cotangent).sum()
    loss.backward()
    parts = []
    for index, (layer, (direction, suffix)) in enumerate((layer, d) for layer in range(2) for d in DIRECTIONS):
        named = drawn.named(layer, suffix)

        def of(tensors):
            return {state: plain(tensor[index]) for state, tensor in zip(drawn.states, tensors)}

        parts.append(
            {
                "direction": direction,
                "weights": {name: plain(value) for name, value in named.items()},
                "initial": of(drawn.initial),
                "cotangents": of(drawn.dlast),
                "outputs": of(last),
                "gradients": {
                    **{name: plain(value.grad) for name, value in named.items()},
                    **{f"{state}0": plain(tensor.grad[index]) for state, tensor in zip(drawn.states, drawn.initial)},
                },
            }
        )
    name, _, nonlinearity = cell.partition(" ")
    return {
        "cell": name,
        **({"nonlinearity": nonlinearity} if nonlinearity else {}),
        "hidden": hidden,
        "lengths": lengths or [time] * batch,
        "initialStates": initial,
        "x": plain(drawn.x),
        "y": plain(y),
        "dy": plain(drawn.dy),
        "dx": plain(drawn.x.grad),
        "parts": parts,
    }


FILES = {
    "lstm": (single, ["lstm"], CASES),
    "gru": (single, ["gru"], CASES),
    "rnn": (single, ["rnn tanh", "rnn relu"], CASES),
    "stacks": (stack, ["lstm", "gru", "rnn tanh", "rnn relu"], STACKS),
}
for name in sys.argv[1:] or FILES:
    make, cells, cases = FILES[name]
    golden = {
        "script": SCRIPT,
        "torch": torch.__version__,
        "cases": [make(cell, seed, *case) for cell in cells for seed, case in enumerate(cases)],
    }
    with open(os.path.join(HERE, f"pytorch-{name}.json"), "w") as file:
        json.dump(golden, file, separators=(",", ":"))
        file.write("\n")
