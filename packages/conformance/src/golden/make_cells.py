"""Golden values of the cells of papers: outputs, final states and gradients, in float64 (12 digits).

Run with torch from PyPI:  python3 make_cells.py
Writes pytorch-cells.json beside this file. The projection LSTM is PyTorch's own nn.LSTM(proj_size); the others are the papers' formulas, one step after
another, differentiated by PyTorch. Every input is a multiple of 1/64. Gates are in ONNX's order i, o, f, c.
"""

import json
import os

import torch
from torch.nn.functional import layer_norm, logsigmoid

HERE = os.path.dirname(os.path.abspath(__file__))
UNITS = 4
PROJECTION = 3
# time, batch, features, lengths (None: all steps), with initial states
CASES = [(1, 1, 2, None, False), (5, 3, 2, [3, 5, 1], True)]


def draw(generator, *shape):
    return torch.randint(-64, 65, shape, generator=generator).double() / 64


def plain(tensor):
    return {"shape": list(tensor.shape), "data": [float(f"{x:.12g}") for x in tensor.detach().flatten()]}


def coupled_lstm(p, x, h0, c0):
    i, o, c = (x @ p["W"].T + h0 @ p["R"].T + p["B"]).chunk(3, -1)
    i, o = i.sigmoid(), o.sigmoid()
    c = (1 - i) * c0 + i * c.tanh()
    return o * c.tanh(), c


def peephole_lstm(p, x, h0, c0):
    i, o, f, c = (x @ p["W"].T + h0 @ p["R"].T + p["B"]).chunk(4, -1)
    pi, po, pf = p["P"].chunk(3)
    c = (f + pf * c0).sigmoid() * c0 + (i + pi * c0).sigmoid() * c.tanh()
    return (o + po * c).sigmoid() * c.tanh(), c


def layer_norm_lstm(p, x, h0, c0):
    of_x = layer_norm(x @ p["W"].T, (4 * UNITS,), p["inputGain"])
    of_h = layer_norm(h0 @ p["R"].T, (4 * UNITS,), p["recurrentGain"])
    i, o, f, c = (of_x + of_h + p["B"]).chunk(4, -1)
    c = f.sigmoid() * c0 + i.sigmoid() * c.tanh()
    return o.sigmoid() * layer_norm(c, (UNITS,), p["cellGain"], p["cellBias"]).tanh(), c


def min_gru(p, x, h0):
    z, h = (x @ p["kernel"] + p["bias"]).chunk(2, -1)
    z = z.sigmoid()
    return ((1 - z) * h0 + z * torch.where(h >= 0, h + 0.5, h.sigmoid()),)


def s_lstm(heads):
    size = UNITS // heads

    def step(p, x, h0, c0, n0, m0):
        """A matrix for each head and gate, one after another."""
        blocks = p["R"].reshape(heads, 4, size, size)
        recurrent = torch.cat(
            [h0[:, k * size : (k + 1) * size] @ blocks[k, gate].T for gate in range(4) for k in range(heads)], -1
        )
        i, o, f, z = (x @ p["W"].T + recurrent + p["B"]).chunk(4, -1)
        kept = m0 + logsigmoid(f)
        m = torch.where(n0 == 0, i, torch.maximum(i, kept))
        i, f = (i - m).exp(), torch.where(n0 == 0, torch.zeros_like(f), (kept - m).exp())
        c, n = f * c0 + i * z.tanh(), f * n0 + i
        return o.sigmoid() * c / n, c, n, m

    return step


def gated(gates, features, outputs=UNITS, **more):
    return {"W": [gates * UNITS, features], "R": [gates * UNITS, outputs], "B": [gates * UNITS], **more}


# kind, options, step, shapes of its parameters, states
CELLS = [
    ("peepholeLstm", {}, peephole_lstm, lambda n: gated(4, n, P=[3 * UNITS]), ["h", "c"]),
    ("coupledLstm", {}, coupled_lstm, lambda n: gated(3, n), ["h", "c"]),
    (
        "layerNormLstm",
        {},
        layer_norm_lstm,
        lambda n: gated(
            4, n, inputGain=[4 * UNITS], recurrentGain=[4 * UNITS], cellGain=[UNITS], cellBias=[UNITS]
        ),
        ["h", "c"],
    ),
    ("minGru", {}, min_gru, lambda n: {"kernel": [n, 2 * UNITS], "bias": [2 * UNITS]}, ["h"]),
    ("sLstm", {"heads": 1}, s_lstm(1), lambda n: gated(4, n, UNITS), ["h", "c", "n", "m"]),
    ("sLstm", {"heads": 2}, s_lstm(2), lambda n: gated(4, n, UNITS // 2), ["h", "c", "n", "m"]),
]


def stepwise(step):
    """Runs a step over x [time, batch, features]: past a row's length its states stay and outputs are zero."""

    def run(p, x, lengths, *states):
        ys = []
        for t in range(x.shape[0]):
            new = step(p, x[t], *states)
            on = (t < lengths)[:, None]
            ys.append(torch.where(on, new[0], 0))
            states = tuple(torch.where(on, after, before) for after, before in zip(new, states))
        return torch.stack(ys), states

    return run


def projected(p, x, lengths, h0, c0):
    """PyTorch's own, with its second bias at zero. Its gates are i, f, g, o."""
    layer = torch.nn.LSTM(x.shape[-1], UNITS, proj_size=PROJECTION).double()

    def pytorchs(rows):
        i, o, f, c = rows.chunk(4)
        return torch.cat([i, f, c, o])

    weights = {
        "weight_ih_l0": pytorchs(p["W"]),
        "weight_hh_l0": pytorchs(p["R"]),
        "bias_ih_l0": pytorchs(p["B"]),
        "bias_hh_l0": torch.zeros(4 * UNITS).double(),
        "weight_hr_l0": p["P"],
    }
    packed = torch.nn.utils.rnn.pack_padded_sequence(x, lengths, enforce_sorted=False)
    y, (h, c) = torch.func.functional_call(layer, weights, (packed, (h0[None], c0[None])))
    y, _ = torch.nn.utils.rnn.pad_packed_sequence(y, total_length=x.shape[0])
    return y, (h[0], c[0])


def case(kind, options, run, shapes, states, seed, time, batch, features, lengths, initial):
    generator = torch.Generator().manual_seed(seed)
    parameters = {name: draw(generator, *shape).requires_grad_() for name, shape in shapes(features).items()}
    x = draw(generator, time, batch, features).requires_grad_()
    begin = {
        state: draw(generator, batch, options.get("projection", UNITS) if state == "h" else UNITS) for state in states
    }
    if "n" in begin:
        begin["n"] = begin["n"].abs() + 1
    begin = {state: (value * (1 if initial else 0)).requires_grad_() for state, value in begin.items()}
    y, last = run(parameters, x, torch.tensor(lengths or [time] * batch), *begin.values())
    dy = draw(generator, *y.shape)
    dlast = [draw(generator, *state.shape) for state in last]
    loss = (y * dy).sum() + sum((state * cotangent).sum() for state, cotangent in zip(last, dlast))
    loss.backward()
    # Zeros that stand for no state have no gradient worth the name: sLSTM asks whether n is 0.
    given = {"x": x, **parameters, **({f"{state}0": value for state, value in begin.items()} if initial else {})}
    return {
        "kind": kind,
        "options": {"units": UNITS, **options},
        "lengths": lengths or [time] * batch,
        "initialStates": initial,
        "given": {name: plain(value) for name, value in given.items()},
        "cotangents": {"y": plain(dy), **{state: plain(value) for state, value in zip(states, dlast)}},
        "outputs": {"y": plain(y), **{state: plain(value) for state, value in zip(states, last)}},
        "gradients": {name: plain(value.grad) for name, value in given.items()},
    }


ALL = [(kind, options, stepwise(step), shapes, states) for kind, options, step, shapes, states in CELLS] + [
    (
        "projectionLstm",
        {"projection": PROJECTION},
        projected,
        lambda n: gated(4, n, PROJECTION, P=[PROJECTION, UNITS]),
        ["h", "c"],
    )
]
golden = {
    "script": os.path.basename(__file__),
    "torch": torch.__version__,
    "cases": [case(*cell, seed, *sizes) for cell in ALL for seed, sizes in enumerate(CASES)],
}
with open(os.path.join(HERE, "pytorch-cells.json"), "w") as file:
    json.dump(golden, file, separators=(",", ":"))
    file.write("\n")
