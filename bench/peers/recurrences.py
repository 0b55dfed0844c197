"""Our weights of a recurrence in PyTorch's order."""

import torch

OWN = ("i", "o", "f", "c")
GATES = ("i", "f", "c", "o")


def ordered(array):
    """From blocks of rows in the order of our gates to PyTorch's."""
    parts = dict(zip(OWN, torch.from_numpy(array).chunk(4)))
    return torch.cat([parts[gate] for gate in GATES])


def set_lstm(layer, suffix, weights, name):
    """Weights and the bias of an LSTM or a cell; `suffix` is that of its parameters' names. One of its two biases is trained."""
    for role, own in (("weight_ih", "W"), ("weight_hh", "R"), ("bias_ih", "B")):
        getattr(layer, f"{role}{suffix}").copy_(ordered(weights[f"{name}/{own}"]))
    getattr(layer, f"bias_hh{suffix}").zero_().requires_grad_(False)
