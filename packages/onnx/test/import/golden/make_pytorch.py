"""Writes pytorch.json: small PyTorch 2.13 models from both exporters, with their outputs at several sizes.

Run with Python 3.11, torch 2.13, onnx 1.23 and onnxscript:  python make_pytorch.py
"""

import base64
import io
import json
import pathlib
import warnings

import onnx
import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

warnings.filterwarnings("ignore")
torch.manual_seed(1)


class Tokens(nn.Module):
    """Ids through an embedding, a recurrence and a head."""

    def __init__(self, recurrence, features, pick):
        super().__init__()
        self.embedding = nn.Embedding(30, 5)
        self.recurrence = recurrence
        self.head = nn.Linear(features, 3)
        self.pick = pick

    def forward(self, tokens):
        return self.head(self.pick(self.recurrence(self.embedding(tokens))[0]))


class Sequences(nn.Module):
    def __init__(self, recurrence, features):
        super().__init__()
        self.recurrence = recurrence
        self.head = nn.Linear(features, 2)

    def forward(self, x):
        return self.head(self.recurrence(x)[0])


class States(nn.Module):
    """Initial states go in, and final ones come out."""

    def __init__(self):
        super().__init__()
        self.recurrence = nn.GRU(4, 6, 2, batch_first=True, bidirectional=True)

    def forward(self, x, h):
        return self.recurrence(x, h)


class Packed(nn.Module):
    def __init__(self):
        super().__init__()
        self.recurrence = nn.LSTM(4, 6, batch_first=True, bidirectional=True)
        self.head = nn.Linear(12, 3)

    def forward(self, x, lengths):
        packed = pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
        y, (h, _) = self.recurrence(packed)
        y, _ = pad_packed_sequence(y, batch_first=True)
        return self.head(y), h[-1]


class LastOfEach(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(30, 5, padding_idx=0)
        self.recurrence = nn.LSTM(5, 6, batch_first=True)
        self.head = nn.Linear(6, 1)

    def forward(self, tokens, lengths):
        y, _ = self.recurrence(self.embedding(tokens))
        return self.head(y[torch.arange(y.size(0)), lengths - 1])


class MaskedMean(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(30, 5)
        self.recurrence = nn.GRU(5, 6, batch_first=True, bidirectional=True)
        self.head = nn.Linear(12, 2)

    def forward(self, tokens):
        y, _ = self.recurrence(self.embedding(tokens))
        mask = (tokens != 0).float().unsqueeze(-1)
        return self.head((y * mask).sum(1) / mask.sum(1).clamp(min=1))


class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        self.recurrence = nn.GRU(4, 6, batch_first=True)
        self.query = nn.Linear(6, 6)
        self.head = nn.Linear(6, 2)

    def forward(self, x):
        y, _ = self.recurrence(x)
        weights = torch.softmax(self.query(y) @ y.transpose(1, 2) / 6**0.5, -1)
        return self.head((weights @ y).mean(1)), weights


class Normalized(nn.Module):
    def __init__(self):
        super().__init__()
        self.recurrence = nn.LSTM(4, 6, 2, batch_first=True, dropout=0.3, bidirectional=True)
        self.norm = nn.LayerNorm(12)
        self.head = nn.Sequential(nn.Linear(12, 8), nn.GELU(), nn.Dropout(0.2), nn.Linear(8, 3))

    def forward(self, x):
        return torch.log_softmax(self.head(self.norm(self.recurrence(x)[0])), -1)


class FromStates(nn.Module):
    def __init__(self):
        super().__init__()
        self.recurrence = nn.LSTM(4, 6, 2, batch_first=True, bidirectional=True)
        self.head = nn.Linear(12, 2)

    def forward(self, x):
        _, (h, _) = self.recurrence(x)
        return self.head(torch.cat([h[-2], h[-1]], -1))


class Dense(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 3))

    def forward(self, x):
        return torch.softmax(self.layers(x), -1)


class Convolved(nn.Module):
    def __init__(self):
        super().__init__()
        self.convolution = nn.Conv1d(4, 8, 3, padding=1)
        self.recurrence = nn.LSTM(8, 6, batch_first=True)

    def forward(self, x):
        return self.recurrence(self.convolution(x.transpose(1, 2)).transpose(1, 2))[0]


class Bag(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.EmbeddingBag(30, 5, mode="mean")
        self.head = nn.Linear(5, 2)

    def forward(self, tokens):
        return self.head(self.embedding(tokens))


def tokens(batch, time):
    return (torch.randint(1, 30, (batch, time)),)


def sequence(batch, time):
    return (torch.randn(batch, time, 4),)


def lengths(batch, time):
    return torch.tensor([time] + [max(1, time - 1 - i) for i in range(batch - 1)])


# name: module, what goes in for a batch and a time, names of inputs, names of outputs, exporters
models = {
    "last step": (lambda: Tokens(nn.LSTM(5, 6, batch_first=True), 6, lambda y: y[:, -1]), tokens, ["tokens"], ["y"], ["script", "dynamo"]),
    "plain recurrence": (lambda: Tokens(nn.RNN(5, 6, batch_first=True, nonlinearity="relu"), 6, lambda y: y), tokens, ["tokens"], ["y"], ["script", "fixed"]),
    "stack of both directions": (lambda: Tokens(nn.GRU(5, 6, 2, batch_first=True, bidirectional=True), 12, lambda y: y.mean(1)), tokens, ["tokens"], ["y"], ["script", "dynamo"]),
    "largest of three layers": (lambda: Tokens(nn.LSTM(5, 6, 3, batch_first=True, dropout=0.5), 6, lambda y: y.max(1).values), tokens, ["tokens"], ["y"], ["script"]),
    "no biases": (lambda: Sequences(nn.LSTM(4, 6, batch_first=True, bias=False), 6), sequence, ["x"], ["y"], ["script"]),
    "time first": (lambda: Sequences(nn.GRU(4, 6, 2, bidirectional=True), 12), lambda n, t: (torch.randn(t, n, 4),), ["x"], ["y"], ["script"]),
    "states": (States, lambda n, t: (*sequence(n, t), torch.randn(4, n, 6)), ["x", "h"], ["y", "last"], ["script", "dynamo"]),
    "packed": (Packed, lambda n, t: (*sequence(n, t), lengths(n, t)), ["x", "lengths"], ["y", "last"], ["script"]),
    "last step of each row": (LastOfEach, lambda n, t: (*tokens(n, t), lengths(n, t)), ["tokens", "lengths"], ["y"], ["script"]),
    "masked mean": (MaskedMean, tokens, ["tokens"], ["y"], ["script", "dynamo"]),
    "attention": (Attention, sequence, ["x"], ["y", "weights"], ["script", "dynamo"]),
    "normalized": (Normalized, sequence, ["x"], ["y"], ["script", "dynamo"]),
    "from states": (FromStates, sequence, ["x"], ["y"], ["script", "dynamo"]),
    "dense": (Dense, lambda n, _: (torch.randn(n, 4),), ["x"], ["y"], ["script", "fixed"]),
    "convolved": (Convolved, sequence, ["x"], ["y"], ["script"]),
    "bag": (Bag, tokens, ["tokens"], ["y"], ["script"]),
}

axes = {"h": {1: "batch"}, "lengths": {0: "batch"}}


def open_sizes(name, model, value):
    if name in axes:
        return axes[name]
    if model == "time first":
        return {0: "time", 1: "batch"}
    return {0: "batch"} if value.dim() == 2 and value.is_floating_point() else {0: "batch", 1: "time"}


def without_notes(file):
    """The file without the notes on where each node comes from, which take most of it."""
    model = onnx.load_model_from_string(file)
    for node in model.graph.node:
        node.doc_string = ""
        del node.metadata_props[:]
    del model.graph.value_info[:]
    del model.graph.metadata_props[:]
    for value in [*model.graph.input, *model.graph.output]:
        del value.metadata_props[:]
    return model.SerializeToString()


def exported(module, given, exporter, sizes, inputs, outputs):
    target = io.BytesIO()
    names = {"input_names": inputs, "output_names": outputs}
    if exporter == "script":
        torch.onnx.export(module, given, target, **names, dynamic_axes=dict(zip(inputs, sizes)), dynamo=False, opset_version=17)
    elif exporter == "dynamo":
        shapes = tuple({axis: torch.export.Dim.DYNAMIC for axis in each} for each in sizes)
        torch.onnx.export(module, given, **names, dynamic_shapes=shapes, dynamo=True, verbose=False).save(target)
    else:
        torch.onnx.export(module, given, **names, dynamo=True, verbose=False).save(target)
    return without_notes(target.getvalue())


def numbers(value):
    data = value.flatten().tolist()
    return {"shape": list(value.shape), "data": [float(f"{x:.9g}") for x in data]}


cases = {}
for name, (make, draw, inputs, outputs, exporters) in models.items():
    module = make().eval()
    given = draw(3, 7)
    sizes = [open_sizes(each, name, value) for each, value in zip(inputs, given)]
    files = {}
    for exporter in exporters:
        try:
            file = exported(module, given, exporter, sizes, inputs, outputs)
        except torch.onnx.OnnxExporterError as error:
            # The newer exporter refuses some recurrences whose sizes are open.
            print(f"{name}: {exporter} refuses it: {type(error).__name__}")
            continue
        files[exporter] = base64.b64encode(file).decode()
    runs = []
    for batch, time in [(3, 7), (1, 7), (2, 5)]:
        fed = draw(batch, time)
        with torch.no_grad():
            computed = module(*fed)
        found = computed if isinstance(computed, tuple) else (computed,)
        runs.append({"inputs": dict(zip(inputs, map(numbers, fed))), "outputs": dict(zip(outputs, map(numbers, found)))})
    cases[name] = {"files": files, "runs": runs}

pathlib.Path(__file__).with_name("pytorch.json").write_text(json.dumps(cases) + "\n")
