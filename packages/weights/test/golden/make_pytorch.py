"""PyTorch models as safetensors, with their outputs, for pytorch.test.ts: python make_pytorch.py > pytorch.json"""

import base64
import json
import os
import tempfile

import torch
from safetensors.torch import save_file, save_model
from torch import nn

torch.manual_seed(1)


class Tagger(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(11, 3)
        self.rnn = nn.LSTM(3, 2, num_layers=2, bidirectional=True, batch_first=True)
        self.fc = nn.Linear(4, 3)

    def forward(self, ids):
        return self.fc(self.rnn(self.embedding(ids))[0])


class Packed(Tagger):
    """Rows that end where their padding, 0, begins."""

    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(4, 3, bias=False)

    def forward(self, ids):
        lengths = (ids != 0).sum(1)
        packed = nn.utils.rnn.pack_padded_sequence(self.embedding(ids), lengths, batch_first=True, enforce_sorted=False)
        return self.fc(nn.utils.rnn.pad_packed_sequence(self.rnn(packed)[0], batch_first=True)[0])


class Stack(nn.Module):
    """Layers 1 and 2 have the same shapes."""

    def __init__(self):
        super().__init__()
        self.rnn = nn.GRU(2, 3, num_layers=3, batch_first=True)

    def forward(self, x):
        return self.rnn(x)[0]


class Plain(nn.Module):
    def __init__(self):
        super().__init__()
        self.rnn = nn.RNN(2, 3, nonlinearity="relu", bias=False, batch_first=True)
        self.head = nn.Sequential(nn.LayerNorm(3), nn.Linear(3, 3), nn.Tanh(), nn.Linear(3, 3, bias=False), nn.Linear(3, 2))

    def forward(self, x):
        return self.head(self.rnn(x)[1][-1])


class Tied(nn.Module):
    """A language model whose output is its embedding."""

    def __init__(self):
        super().__init__()
        self.words = nn.Embedding(7, 3)
        self.cell = nn.LSTMCell(3, 3)
        self.out = nn.Linear(3, 7)
        self.out.weight = self.words.weight

    def forward(self, ids):
        state, outputs = None, []
        for x in self.words(ids).unbind(1):
            state = self.cell(x, state)
            outputs.append(self.out(state[0]))
        return torch.stack(outputs, 1)


def base64_of(path):
    with open(path, "rb") as file:
        return base64.b64encode(file.read()).decode()


def case(model, x, dtype=torch.float32):
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim == 1:
                parameter.add_(0.1 * torch.randn(parameter.shape))
        model = model.to(dtype).float() if dtype != torch.float64 else model.double()
        y = model(x.double() if dtype == torch.float64 and x.is_floating_point() else x)
        model = model.to(dtype)
    path = os.path.join(tempfile.mkdtemp(), "model.safetensors")
    # Of tied weights only this one writes a single copy.
    save_model(model, path) if isinstance(model, Tied) else save_file(model.state_dict(), path)
    numbers = lambda tensor: {"shape": list(tensor.shape), "data": [float(f"{v:.9g}") for v in tensor.flatten().tolist()]}
    return {"file": base64_of(path), "x": numbers(x), "y": numbers(y)}


ids = lambda size: torch.randint(size, (2, 4))
print(
    json.dumps(
        {
            "torch": torch.__version__.split("+")[0],
            "tagger": case(Tagger(), ids(11)),
            "one step": case(Tagger(), ids(11)[:1, :1]),
            "packed": case(Packed(), torch.tensor([[3, 1, 4, 1], [5, 9, 0, 0], [2, 0, 0, 0]])),
            "stack": case(Stack(), torch.randn(2, 4, 2)),
            "plain": case(Plain(), torch.randn(2, 4, 2)),
            "tied": case(Tied(), ids(7)),
            "float16": case(Tagger(), ids(11), torch.float16),
            "bfloat16": case(Tagger(), ids(11), torch.bfloat16),
            "float64": case(Tagger(), ids(11), torch.float64),
        }
    )
)
