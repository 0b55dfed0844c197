"""Golden values of layers over trees: outputs and gradients, in float64 (12 digits).

Run with torch from PyPI:  python3 make_pytorch_trees.py
Writes pytorch-trees.json beside this file. Each node is computed by itself, from the states of its children, as the papers have it: no batching, no levels.
PyTorch differentiates. Every input is a multiple of 1/64. Gates are in the order of the library's weights: i, o, f, c and z, r, h.
"""

import json
import os

import torch

HERE = os.path.dirname(os.path.abspath(__file__))
UNITS = 3

# The number of each node's parent; the root is last.
NODE = [-1]
CHAIN = [1, 2, 3, -1]
STAR = [5, 5, 5, 5, 5, -1]
# ((0 1) (3 (4 5)))
BINARY = [2, 2, 8, 7, 6, 6, 7, 8, -1]
# Nodes with one child, none and three, and a leaf beside a deep branch.
RAGGED = [1, 4, 4, 4, 8, 6, 7, 8, -1]
# Of at most two children, some of them with one.
NARROW = [1, 3, 3, 5, 5, 6, -1]

ALONE = [NODE]
OF_TWO = [CHAIN, NODE, BINARY, NARROW]
RAGGED_FOREST = [STAR, CHAIN, NODE, RAGGED, BINARY]


def draw(generator, *shape):
    return torch.randint(-64, 65, shape, generator=generator).double() / 64


def plain(tensor):
    return {"shape": list(tensor.shape), "data": [float(f"{x:.12g}") for x in tensor.detach().flatten()]}


def rows(matrix, block):
    """One block of rows, each as many as there are units."""
    return matrix[block * UNITS : (block + 1) * UNITS]


def total(tensors):
    return sum(tensors, torch.zeros(UNITS, dtype=torch.double))


def child_sum_lstm(p, x, children, _):
    """Tai, Socher and Manning 2015, equations 2 to 8."""
    W, U, b = ([rows(p[name], k) for k in range(4)] for name in ("W", "R", "B"))
    i, o, f, u = range(4)
    h_sum = total(h for h, _ in children)
    gate = lambda k: W[k] @ x + U[k] @ h_sum + b[k]
    forget = [(W[f] @ x + U[f] @ h + b[f]).sigmoid() for h, _ in children]
    c = gate(i).sigmoid() * gate(u).tanh() + total(fk * c for fk, (_, c) in zip(forget, children))
    return gate(o).sigmoid() * c.tanh(), c


def n_ary_lstm(p, x, children, arity):
    """Tai, Socher and Manning 2015, equations 9 to 14: U has a matrix for each gate and child, and for each two children one of the forget gates."""
    W, b = ([rows(p[name], k) for k in range(4)] for name in ("W", "B"))
    U = lambda block, child: rows(p["R"], block)[:, child * UNITS : (child + 1) * UNITS]
    of_children = lambda block: total(U(block, l) @ h for l, (h, _) in enumerate(children))
    i = (W[0] @ x + of_children(0) + b[0]).sigmoid()
    o = (W[1] @ x + of_children(1) + b[1]).sigmoid()
    u = (W[3] @ x + of_children(2 + arity) + b[3]).tanh()
    forget = [(W[2] @ x + of_children(2 + k) + b[2]).sigmoid() for k in range(len(children))]
    c = i * u + total(fk * c for fk, (_, c) in zip(forget, children))
    return o * c.tanh(), c


def child_sum_gru(p, x, children, _):
    """Zhou, Liu and Pan 2016."""
    W, U, b = ([rows(p[name], k) for k in range(3)] for name in ("W", "R", "B"))
    h_sum = total(h for (h,) in children)
    z, r = ((W[k] @ x + U[k] @ h_sum + b[k]).sigmoid() for k in range(2))
    u = (W[2] @ x + U[2] @ (r * h_sum) + b[2]).tanh()
    return ((1 - z) * u + z * h_sum,)


def n_ary_gru(p, x, children, arity):
    """A reset and an update gate for each child; the update gates are a softmax over the candidate, whose logit is 0, and all places of children."""
    W, b = ([rows(p[name], k) for k in range(3)] for name in ("W", "B"))
    states = [h for (h,) in children] + [torch.zeros(UNITS).double()] * (arity - len(children))
    U = lambda block, child: rows(p["R"], block)[:, child * UNITS : (child + 1) * UNITS]
    of_children = lambda block, hs: total(U(block, l) @ h for l, h in enumerate(hs))
    logits = [W[0] @ x + of_children(k, states) + b[0] for k in range(arity)]
    shares = torch.stack([torch.zeros(UNITS).double(), *logits]).softmax(0)
    reset = [(W[1] @ x + of_children(arity + k, states) + b[1]).sigmoid() for k in range(arity)]
    u = (W[2] @ x + of_children(2 * arity, [r * h for r, h in zip(reset, states)]) + b[2]).tanh()
    return (shares[0] * u + total(z * h for z, h in zip(shares[1:], states)),)


def recursive(p, x, children, arity):
    """Socher, Lin, Ng and Manning 2011."""
    if not children:
        return (x,)
    s = torch.cat([h for (h,) in children] + [torch.zeros(UNITS).double()] * (arity - len(children)))
    return ((x + p["R"] @ s + p["B"]).tanh(),)


def recursive_tensor(p, x, children, arity):
    """Socher et al. 2013, equation of the tensor layer."""
    if not children:
        return (x,)
    s = torch.cat([h for (h,) in children] + [torch.zeros(UNITS).double()] * (arity - len(children)))
    products = torch.stack([s @ slice @ s for slice in p["V"]])
    return ((x + products + p["R"] @ s + p["B"]).tanh(),)


def gated(gates, features, blocks, arity=1):
    return {"W": [gates * UNITS, features], "R": [blocks * UNITS, arity * UNITS], "B": [gates * UNITS]}


def plain_recursive(arity):
    return {"R": [UNITS, arity * UNITS], "B": [UNITS]}


# kind, options, formula, features, shapes of the weights, trees
LAYERS = [
    ("treeLstm", {"type": "childSum"}, child_sum_lstm, 2, gated(4, 2, 4), RAGGED_FOREST),
    ("treeLstm", {"type": "nary", "arity": 2}, n_ary_lstm, 2, gated(4, 2, 5, 2), OF_TWO),
    ("treeLstm", {"type": "nary", "arity": 5}, n_ary_lstm, 2, gated(4, 2, 8, 5), RAGGED_FOREST),
    ("treeLstm", {"type": "childSum"}, child_sum_lstm, 2, gated(4, 2, 4), ALONE),
    ("treeGru", {"type": "childSum"}, child_sum_gru, 2, gated(3, 2, 3), RAGGED_FOREST),
    ("treeGru", {"type": "nary", "arity": 2}, n_ary_gru, 2, gated(3, 2, 5, 2), OF_TWO),
    ("treeGru", {"type": "nary", "arity": 5}, n_ary_gru, 2, gated(3, 2, 11, 5), RAGGED_FOREST),
    ("recursive", {"arity": 2}, recursive, UNITS, plain_recursive(2), OF_TWO),
    ("recursive", {"arity": 5}, recursive, UNITS, plain_recursive(5), RAGGED_FOREST),
    (
        "recursiveTensor",
        {"arity": 2},
        recursive_tensor,
        UNITS,
        {**plain_recursive(2), "V": [UNITS, 2 * UNITS, 2 * UNITS]},
        OF_TWO,
    ),
]


def at_nodes(step, p, x, parents, arity):
    """The first state at each node of a tree."""
    children = {node: [] for node in range(len(parents))}
    for node, parent in enumerate(parents[:-1]):
        children[parent].append(node)

    found = {}

    def at(node):
        if node not in found:
            found[node] = step(p, x[node], [at(child) for child in children[node]], arity)
        return found[node]

    at(len(parents) - 1)
    return [found[node][0] for node in range(len(parents))]


def case(kind, options, step, features, shapes, forest, returns_nodes, seed):
    generator = torch.Generator().manual_seed(seed)
    lengths = [len(parents) for parents in forest]
    weights = {name: draw(generator, *shape).requires_grad_() for name, shape in shapes.items()}
    x = draw(generator, len(forest), max(lengths), features)
    for row, length in enumerate(lengths):
        x[row, length:] = 0
    x.requires_grad_()
    results = []
    for row, parents in enumerate(forest):
        states = at_nodes(step, weights, x[row], parents, options.get("arity"))
        padding = [torch.zeros(UNITS).double()] * (max(lengths) - len(parents))
        results.append(torch.stack(states + padding) if returns_nodes else states[-1])
    y = torch.stack(results)
    dy = draw(generator, *y.shape)
    (y * dy).sum().backward()
    given = {"x": x, **weights}
    # A weight that no child meets, as R of a tree of one node, has none from PyTorch.
    gradients = {name: torch.zeros_like(value) if value.grad is None else value.grad for name, value in given.items()}
    return {
        "kind": kind,
        "options": {"units": UNITS, **options, "returnSequences": returns_nodes},
        "parents": forest,
        "lengths": {"x": lengths},
        "inputs": {"x": plain(x)},
        "weights": {name: plain(value) for name, value in weights.items()},
        "results": {"y": plain(y)},
        "cotangents": {"y": plain(dy)},
        "gradients": {name: plain(value) for name, value in gradients.items()},
    }


golden = {
    "script": os.path.basename(__file__),
    "torch": torch.__version__,
    "cases": [
        case(*layer, returns_nodes, seed) for layer in LAYERS for seed, returns_nodes in enumerate([True, False])
    ],
}
with open(os.path.join(HERE, "pytorch-trees.json"), "w") as file:
    json.dump(golden, file, separators=(",", ":"))
    file.write("\n")
