"""Golden values of attention in PyTorch: what it gives, the weights, and the gradients of all that goes in, in float64 (12 digits).

"dot" and "scaled" are torch.nn.functional.scaled_dot_product_attention with masks; "general" (Luong et al. 2015), "concat" (Keras's) and the additive
form (Bahdanau et al. 2015) are formulas in torch. Steps past the end of a value have no weight, steps past the end of a query give zeros, and so does a
row whose value has no steps: PyTorch gives NaN there, so such rows attend to everything and are then set to 0.

Run:  python3 make_pytorch_attention.py   (torch from PyPI). Writes pytorch-attention.json beside this file.
Every input is a multiple of 1/64, so that it is the same in float32 and float64.
"""

import json
import math
import os

import torch

HERE = os.path.dirname(os.path.abspath(__file__))

# layer, its options, (batch, query time or None for one step, value time), features of (query, key or None, value), query lengths, value lengths
CASES = [
    ("attention", {}, (2, 3, 4), (3, None, 3), None, None),
    ("attention", {"scoreMode": "scaled"}, (3, 4, 5), (2, 2, 3), [4, 1, 3], [2, 5, 0]),
    ("attention", {"scoreMode": "scaled", "useCausalMask": True}, (3, 5, 5), (4, None, 4), [5, 3, 1], [5, 3, 1]),
    ("attention", {"scoreMode": "dot", "useScale": True}, (3, None, 4), (3, None, 3), None, [4, 1, 0]),
    ("attention", {"scoreMode": "general"}, (3, 2, 4), (3, 5, 2), [2, 0, 1], [1, 4, 3]),
    ("attention", {"scoreMode": "general"}, (1, None, 1), (2, None, 3), None, None),
    ("attention", {"scoreMode": "concat", "useScale": True}, (2, 3, 2), (3, 3, 1), None, [1, 2]),
    ("additiveAttention", {}, (2, 1, 4), (3, None, 3), None, [3, 4]),
    ("additiveAttention", {"units": 4}, (3, 3, 5), (2, 3, 2), [3, 2, 1], [0, 5, 2]),
    ("additiveAttention", {"units": 3, "useScale": False}, (2, None, 3), (4, None, 2), None, [3, 1]),
]


def draw(generator, *shape):
    return (torch.randint(-64, 65, shape, generator=generator).double() / 64).requires_grad_()


def plain(tensor):
    return {"shape": list(tensor.shape), "data": [float(f"{x:.12g}") for x in tensor.detach().flatten()]}


def mask_of(lengths, batch, time):
    """[batch, time]: the steps that count."""
    return torch.arange(time) < torch.tensor(lengths or [time] * batch)[:, None]


def score(layer, options, q, k, draw_weight):
    """[batch, query time, value time], of one formula."""
    mode = options.get("scoreMode", "dot")
    if layer == "additiveAttention":
        units = options.get("units")
        if units:
            q, k = q @ draw_weight("queryKernel", q.shape[-1], units), k @ draw_weight("keyKernel", k.shape[-1], units)
        pairs = torch.tanh(q[:, :, None] + k[:, None])
        return (pairs * draw_weight("scale", q.shape[-1])).sum(-1) if options.get("useScale", True) else pairs.sum(-1)
    if mode == "general":
        return q @ draw_weight("kernel", q.shape[-1], k.shape[-1]) @ k.transpose(1, 2)
    scale = draw_weight("scale") if options.get("useScale") else 1
    if mode == "concat":
        return draw_weight("concatScoreWeight") * torch.tanh(scale * (q[:, :, None] + k[:, None])).sum(-1)
    return q @ k.transpose(1, 2) * scale


def case(seed, layer, options, sizes, features, query_lengths, value_lengths):
    generator = torch.Generator().manual_seed(seed)
    batch, query_time, value_time = sizes
    query = draw(generator, batch, *([query_time] if query_time else []), features[0])
    value = draw(generator, batch, value_time, features[2])
    key = draw(generator, batch, value_time, features[1]) if features[1] else None
    weights = {}

    def draw_weight(name, *shape):
        weights[name] = draw(generator, *shape)
        return weights[name]

    q, k = (query if query_time else query[:, None]), (value if key is None else key)
    asked = mask_of(query_lengths, batch, q.shape[1])
    counted = mask_of(value_lengths, batch, value_time)
    some = counted.any(1)
    allowed = (counted | ~some[:, None])[:, None].expand(batch, q.shape[1], value_time)
    if options.get("useCausalMask"):
        allowed = allowed & torch.ones(value_time, value_time, dtype=torch.bool).tril()
    there = (asked & some[:, None])[:, :, None]
    results = {}
    if options.get("scoreMode", "dot") in ("dot", "scaled") and layer == "attention" and not options.get("useScale"):
        scale = None if options.get("scoreMode") == "scaled" else 1.0
        output = torch.nn.functional.scaled_dot_product_attention(q, k, value, attn_mask=allowed, scale=scale)
    else:
        scores = score(layer, options, q, k, draw_weight).masked_fill(~allowed, -math.inf)
        probabilities = scores.softmax(-1) * there
        results["scores"] = probabilities if query_time else probabilities[:, 0]
        output = probabilities @ value
    output = output * there
    results["output"] = output if query_time else output[:, 0]
    cotangents = {name: draw(generator, *result.shape) for name, result in results.items()}
    sum((results[name] * cotangents[name]).sum() for name in results).backward()
    inputs = {"query": query, "value": value, **({} if key is None else {"key": key})}
    return {
        "layer": layer,
        "options": options,
        "lengths": {
            **({"query": query_lengths} if query_lengths else {}),
            **({"value": value_lengths} if value_lengths else {}),
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
with open(os.path.join(HERE, "pytorch-attention.json"), "w") as file:
    json.dump(golden, file, separators=(",", ":"))
    file.write("\n")
