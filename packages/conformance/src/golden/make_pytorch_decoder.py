"""Golden values of decoders with attention in PyTorch, written out step by step: what they give, the weights of attention, and the gradients of all that
goes in, in float64 (12 digits).

The cells are torch.nn.LSTMCell, GRUCell and RNNCell. Attention is that of Luong et al. 2015 ("general") or Bahdanau et al. 2015 (additive); the attentional
vector is tanh(W [context; h]), or [context; h]. With input feeding a step reads the vector of the step before; with the order "before" the query is what
the layers gave at the step before, at the first the first state of the last layer. Steps past the end of a memory have no weight, a row whose memory has no steps attends to
nothing, and past the end of a target the states stay and the results are zero.

Run:  python3 make_pytorch_decoder.py   (torch from PyPI). Writes pytorch-decoder.json beside this file.
Every input is a multiple of 1/64, so that it is the same in float32 and float64.
"""

import json
import math
import os

import torch

HERE = os.path.dirname(os.path.abspath(__file__))

# layers (name, units), options, (batch, target time, memory time), features of (target, memory), target lengths, memory lengths, initial states
CASES = [
    ([("lstm", 3)], {"attentionUnits": 4, "inputFeeding": True}, (3, 4, 5), (2, 3), [4, 1, 3], [2, 5, 0], True),
    ([("lstm", 2), ("gru", 3)], {"additive": 3, "inputFeeding": True}, (2, 3, 4), (3, 2), None, [3, 4], True),
    ([("gru", 3)], {"additive": 2, "attentionOrder": "before"}, (3, 4, 3), (2, 2), [4, 0, 2], [3, 1, 2], True),
    (
        [("rnn", 2), ("lstm", 3)],
        {"attentionUnits": 2, "attentionOrder": "before", "inputFeeding": True},
        (2, 4, 3),
        (2, 3),
        [4, 2],
        None,
        False,
    ),
    ([("gru", 2), ("gru", 2)], {"attentionUnits": 3}, (3, 3, 4), (2, 3), [3, 2, 1], [4, 2, 1], True),
    ([("rnn", 3)], {"attentionUnits": 3, "inputFeeding": True}, (1, 1, 1), (2, 2), None, None, False),
]
CELLS = {"lstm": torch.nn.LSTMCell, "gru": torch.nn.GRUCell, "rnn": torch.nn.RNNCell}


def draw(generator, *shape):
    return (torch.randint(-64, 65, shape, generator=generator).double() / 64).requires_grad_()


def plain(tensor):
    return {"shape": list(tensor.shape), "data": [float(f"{x:.12g}") for x in tensor.detach().flatten()]}


def case(seed, layers, options, sizes, features, target_lengths, memory_lengths, begun):
    generator = torch.Generator().manual_seed(seed)
    batch, time, memory_time = sizes
    x, memory = draw(generator, batch, time, features[0]), draw(generator, batch, memory_time, features[1])
    units, feeding, before = options.get("attentionUnits"), options.get("inputFeeding"), "attentionOrder" in options
    output_size, additive = layers[-1][1], options.get("additive")
    vector_size = units or features[1] + output_size
    weights, cells, states, inputs = {}, [], [], {"x": x, "memory": memory}

    def draw_weight(name, *shape):
        weights[name] = draw(generator, *shape)
        return weights[name]

    size = features[0] + (features[1] if before else 0) + (vector_size if feeding else 0)
    for i, (name, own) in enumerate(layers):
        cell = CELLS[name](size, own).double()
        rows = cell.weight_ih.shape[0]
        used = {
            "weight_ih": draw_weight(f"layer{i}/W", rows, size),
            "weight_hh": draw_weight(f"layer{i}/R", rows, own),
            "bias_ih": draw_weight(f"layer{i}/B", rows),
            # Only of a GRU it cannot be added to the other beforehand.
            "bias_hh": draw_weight(f"layer{i}/recurrentBias", rows) if name == "gru" else torch.zeros(rows).double(),
        }
        cells.append((cell, used))
        names = ["h", "c"] if name == "lstm" else ["h"]
        state = [draw(generator, batch, own) if begun else torch.zeros(batch, own).double() for _ in names]
        if begun:
            inputs.update({f"{of}{i}": value for of, value in zip(names, state)})
        states.append(state)
        size = own
    if additive:
        query_kernel = draw_weight("attention/queryKernel", output_size, additive)
        keys = memory @ draw_weight("attention/keyKernel", features[1], additive)
        scale = draw_weight("attention/scale", additive)
    else:
        query_kernel, keys = draw_weight("attention/kernel", output_size, features[1]), memory
    kernel = draw_weight("kernel", features[1] + output_size, units) if units else None

    counted = torch.arange(memory_time) < torch.tensor(memory_lengths or [memory_time] * batch)[:, None]
    some = counted.any(1)

    def attend(query):
        q = query @ query_kernel
        scores = (torch.tanh(q[:, None] + keys) * scale).sum(-1) if additive else (q[:, None] * keys).sum(-1)
        scores = scores.masked_fill(~(counted | ~some[:, None]), -math.inf)
        probabilities = scores.softmax(-1) * some[:, None]
        return (probabilities[:, :, None] * memory).sum(1), probabilities

    vector, query, vectors, all_scores = torch.zeros(batch, vector_size).double(), states[-1][0], [], []
    for t in range(time):
        alive = (t < torch.tensor(target_lengths or [time] * batch))[:, None]
        context, scores = attend(query) if before else (None, None)
        read = torch.cat([x[:, t], *([context] if before else []), *([vector] if feeding else [])], 1)
        for i, (cell, used) in enumerate(cells):
            state = states[i][0] if len(states[i]) == 1 else tuple(states[i])
            after = torch.func.functional_call(cell, used, (read, state))
            after = list(after) if isinstance(after, tuple) else [after]
            read = after[0]
            states[i] = [torch.where(alive, new, old) for new, old in zip(after, states[i])]
        if not before:
            context, scores = attend(read)
        made = torch.cat([context, read], 1)
        made = torch.tanh(made @ kernel) if units else made
        vector, query = torch.where(alive, made, vector), torch.where(alive, read, query)
        vectors.append(made * alive)
        all_scores.append(scores * alive)
    results = {"vectors": torch.stack(vectors, 1), "scores": torch.stack(all_scores, 1)}
    cotangents = {name: draw(generator, *result.shape) for name, result in results.items()}
    sum((results[name] * cotangents[name]).sum() for name in results).backward()
    return {
        "layers": [{"recurrence": name, "units": own} for name, own in layers],
        "additive": additive,
        "options": {name: value for name, value in options.items() if name != "additive"},
        "lengths": {
            **({"x": target_lengths} if target_lengths else {}),
            **({"memory": memory_lengths} if memory_lengths else {}),
        },
        "inputs": {name: plain(tensor) for name, tensor in inputs.items()},
        "weights": {name: plain(tensor) for name, tensor in weights.items()},
        "cotangents": {name: plain(tensor) for name, tensor in cotangents.items()},
        "results": {name: plain(tensor) for name, tensor in results.items()},
        "gradients": {name: plain(tensor.grad) for name, tensor in {**inputs, **weights}.items()},
    }


golden = {
    "script": os.path.basename(__file__),
    "torch": torch.__version__,
    "cases": [case(seed, *row) for seed, row in enumerate(CASES)],
}
with open(os.path.join(HERE, "pytorch-decoder.json"), "w") as file:
    json.dump(golden, file, separators=(",", ":"))
    file.write("\n")
