"""Loads the output of write.ts into PyTorch modules, with PyTorch's own checks, and compares the results: python check.py FOLDER"""

import json
import sys

import torch
from safetensors import safe_open
from safetensors.torch import load_model
from torch import nn


class Tagger(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(9, 3)
        self.rnn = nn.LSTM(3, 4, num_layers=2, bidirectional=True, batch_first=True)
        self.fc = nn.Linear(8, 3)

    def forward(self, ids):
        return self.fc(self.rnn(self.embedding(ids))[0])


class Stack(nn.Module):
    def __init__(self):
        super().__init__()
        self.gru = nn.GRU(2, 4, num_layers=2, batch_first=True)
        self.norm = nn.LayerNorm(4)
        self.rnn = nn.RNN(4, 3, nonlinearity="relu", batch_first=True)
        self.fc = nn.Linear(3, 2, bias=False)

    def forward(self, x):
        return self.fc(self.rnn(self.norm(self.gru(x)[0]))[1][-1])


class Tied(nn.Module):
    def __init__(self):
        super().__init__()
        self.words = nn.Embedding(9, 4)
        self.rnn = nn.LSTM(4, 4, bias=False, batch_first=True)
        self.out = nn.Linear(4, 9)
        self.out.weight = self.words.weight

    def forward(self, ids):
        return self.out(self.rnn(self.words(ids))[0])


folder = sys.argv[1]
cases = json.load(open(f"{folder}/cases.json"))
for name, model in {"tagger": Tagger(), "stack": Stack(), "tied": Tied()}.items():
    path = f"{folder}/{name}.safetensors"
    load_model(model, path)
    with safe_open(path, "pt") as file:
        assert file.metadata()["format"] == "pt"
    if name != "tied":
        from safetensors.torch import load_file

        model.load_state_dict(load_file(path))
    x, y = (torch.tensor(cases[name][key]["data"]).reshape(cases[name][key]["shape"]) for key in "xy")
    with torch.no_grad():
        difference = (model(x if name == "stack" else x.long()) - y).abs().max().item()
    print(f"{name}: {difference:.1e}")
    assert difference < 1e-5
