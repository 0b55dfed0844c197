"""
Training steps in PyTorch. Options: threads; flush, whether subnormal numbers become zero; fused, whether Adam is the fused one; padTo, the
length that every batch is padded to, else its longest row; packed, whether rows are given as a PackedSequence.
"""

import math

import numpy
import torch
from protocol import given, serve


class Network(torch.nn.Module):
    def __init__(self, job):
        super().__init__()
        self.every_step = job.every_step
        self.embedding = torch.nn.Embedding(job.words, job.width)
        kind = torch.nn.GRU if job.kind == "gru" else torch.nn.LSTM
        self.recurrence = kind(job.width, job.units, len(job.layers), bidirectional=job.bidirectional)
        self.dense = torch.nn.Linear(job.units * (2 if job.bidirectional else 1), job.classes)
        with torch.no_grad():
            self.embedding.weight.copy_(torch.from_numpy(job.weights["embedding/embeddings"]))
            self.dense.weight.copy_(torch.from_numpy(job.weights["dense/kernel"]).t())
            self.dense.bias.copy_(torch.from_numpy(job.weights["dense/bias"]))
            for layer, directions in enumerate(job.layers):
                for direction, name in enumerate(directions):
                    self.set(f"l{layer}{'_reverse' if direction else ''}", job, name)
        self.embedding.weight.requires_grad_(not job.frozen)

    def set(self, suffix, job, name):
        own = job.recurrence(name, "rzh" if job.kind == "gru" else "ifco")
        for role, array in zip(("weight_ih", "weight_hh", "bias_ih", "bias_hh"), own):
            parameter = getattr(self.recurrence, f"{role}_{suffix}")
            if array is None:
                # One bias is trained, as in the other libraries.
                parameter.zero_().requires_grad_(False)
            else:
                parameter.copy_(torch.from_numpy(array))

    def forward(self, ids, last, lengths):
        """Logits: [time · rows, classes], or [rows] of each row's last word, which is what masking computes."""
        embedded = self.embedding(ids)
        if lengths is not None:
            embedded = torch.nn.utils.rnn.pack_padded_sequence(embedded, lengths, enforce_sorted=False)
        outputs, state = self.recurrence(embedded)
        if self.every_step:
            return self.dense(outputs).flatten(0, 1)
        if lengths is None and not self.recurrence.bidirectional:
            return self.dense(outputs[last, torch.arange(ids.shape[1])]).squeeze(1)
        ends = state[0] if isinstance(state, tuple) else state
        directions = 2 if self.recurrence.bidirectional else 1
        return self.dense(torch.cat(tuple(ends[-directions:]), 1)).squeeze(1)


def with_blas():
    """The reference BLAS, which an older PyTorch may have, is many times slower than OpenBLAS."""
    try:
        with open("/proc/self/maps", encoding="utf-8") as maps:
            # NumPy's own copy is not PyTorch's.
            loaded = "".join(line for line in maps if "numpy" not in line)
    except OSError:
        return None
    return "OpenBLAS" if "openblas" in loaded else "the reference BLAS" if "libblas" in loaded else None


def adam(parameters, fused):
    try:
        return torch.optim.Adam(parameters, lr=0.001, **({"fused": True} if fused else {}))
    except (TypeError, RuntimeError):
        # Older versions have none for the processor.
        return torch.optim.Adam(parameters, lr=0.001)


def main():
    job, options = given()
    torch.set_num_threads(options["threads"])
    if options["flush"]:
        torch.set_flush_denormal(True)
    network = Network(job)
    optimizer = adam([parameter for parameter in network.parameters() if parameter.requires_grad], options["fused"])
    loss_of = torch.nn.CrossEntropyLoss() if job.every_step else torch.nn.BCEWithLogitsLoss()
    packed = options.get("packed", False)
    batches = []
    for ids, lengths, labels in job.batches(options.get("padTo")):
        target = torch.from_numpy(labels.T.astype("int64").copy()).flatten() if job.every_step else torch.from_numpy(labels)
        lengths = torch.from_numpy(lengths.astype("int64"))
        ids = torch.from_numpy(numpy.ascontiguousarray(ids.T).astype("int64"))
        batches.append((ids, lengths - 1, lengths if packed else None, target))

    def step(at):
        ids, last, lengths, target = batches[at % len(batches)]
        # Keras and this project add epsilon to the root that is not corrected; here it is corrected.
        optimizer.param_groups[0]["eps"] = 1e-7 / math.sqrt(1 - 0.999 ** (at + 1))
        optimizer.zero_grad()
        loss = loss_of(network(ids, last, lengths), target)
        loss.backward()
        optimizer.step()
        return loss.item()

    serve(step, version=torch.__version__, blas=with_blas())


main()
