"""Small PyTorch and Keras taggers that find people and places, with their outputs.

    python make.py    # torch 2.13, onnx 1.23, onnxscript; keras 3.15 on tensorflow 2.21
"""

import json
import os
import random

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["CUDA_VISIBLE_DEVICES"] = ""
import keras
import numpy as np
import onnx
import torch

people = ["Anna", "Bruno", "Carla", "Dario"]
places = [["Rome"], ["Paris"], ["New", "York"], ["The", "Hague"]]
verbs = ["visits", "leaves", "likes"]

random.seed(1)
keras.utils.set_random_seed(1)
torch.manual_seed(1)


def sentence():
    place = random.choice(places)
    tokens = [random.choice(people), random.choice(verbs), *place, *random.choice([["."], ["with", random.choice(people), "."]])]
    tags = ["B-person", "O", "B-place", *["I-place"] * (len(place) - 1), *["B-person" if token in people else "O" for token in tokens[2 + len(place) :]]]
    return tokens, tags


sentences = [sentence() for _ in range(200)]
tags = ["O", "B-person", "B-place", "I-place"]
words = ["<pad>", "<unk>"] + sorted({token for tokens, _ in sentences for token in tokens})
with open("names.conll", "w") as file:
    file.write("\n".join("".join(f"{token}\t{tag}\n" for token, tag in zip(*each)) for each in sentences[:40]))
for library in ["pytorch", "keras"]:
    with open(f"{library}.json", "w") as file:
        json.dump({"tags": tags, "vocabulary": words}, file)
        file.write("\n")

longest = max(len(tokens) for tokens, _ in sentences)
x = np.zeros((len(sentences), longest), np.int64)
y = np.zeros((len(sentences), longest), np.int64)
for row, (tokens, own) in enumerate(sentences):
    x[row, : len(tokens)] = [words.index(token) for token in tokens]
    y[row, : len(tokens)] = [tags.index(tag) for tag in own]


class Tagger(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = torch.nn.Embedding(len(words), 4)
        self.lstm = torch.nn.LSTM(4, 4, batch_first=True, bidirectional=True)
        self.fc = torch.nn.Linear(8, len(tags))

    def forward(self, ids):
        return self.fc(self.lstm(self.embedding(ids))[0])


model = Tagger()
optimizer = torch.optim.Adam(model.parameters(), 0.03)
for step in range(80):
    for length in range(4, longest + 1):  # no padding is seen
        rows = [row for row, (tokens, _) in enumerate(sentences) if len(tokens) == length]
        if not rows:
            continue
        optimizer.zero_grad()
        logits = model(torch.tensor(x[rows, :length]))
        torch.nn.functional.cross_entropy(logits.reshape(-1, len(tags)), torch.tensor(y[rows, :length]).reshape(-1)).backward()
        optimizer.step()
model.eval()
batch, time = torch.export.Dim("batch"), torch.export.Dim("time")
program = torch.onnx.export(
    model, (torch.tensor(x[:2]),), dynamo=True, input_names=["ids"], output_names=["logits"], dynamic_shapes=({0: batch, 1: time},)
)
exported = program.model_proto
# Where the code of this program stood.
for holder in (exported, exported.graph, *exported.graph.node, *exported.graph.value_info, *exported.graph.input, *exported.graph.output, *exported.graph.initializer):
    del holder.metadata_props[:]
for node in exported.graph.node:
    node.doc_string = ""
onnx.save(exported, "pytorch.onnx")

network = keras.Sequential(
    [
        keras.layers.Input((None,), dtype="int32"),
        keras.layers.Embedding(len(words), 4, mask_zero=True),
        keras.layers.Bidirectional(keras.layers.LSTM(4, return_sequences=True)),
        keras.layers.Dense(len(tags), activation="softmax"),
    ]
)
network.compile(keras.optimizers.Adam(0.03), "sparse_categorical_crossentropy")
network.fit(x, y, batch_size=50, epochs=40, verbose=0)
network.save("keras.keras", include_optimizer=False)

# The probability of the right tag of each token of some sentences.
shown = range(8)
answers = {"pytorch": [], "keras": []}
for row in shown:
    length = len(sentences[row][0])
    with torch.no_grad():
        torches = torch.softmax(model(torch.tensor(x[row : row + 1, :length])), -1)[0].numpy()
    answers["pytorch"].append([float(torches[t, y[row, t]]) for t in range(length)])
    kerases = network.predict(x[row : row + 1], verbose=0)[0]
    answers["keras"].append([float(kerases[t, y[row, t]]) for t in range(length)])
with open("expected.json", "w") as file:
    json.dump({"sentences": [sentences[row][0] for row in shown], **answers}, file)
    file.write("\n")
print({name: min(min(each) for each in rows) for name, rows in answers.items()})
