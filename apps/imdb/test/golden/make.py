"""Small PyTorch and Keras models that classify reviews, with their outputs.

    python make.py    # torch 2.13, onnxscript, safetensors; keras 3.15 on tensorflow 2.21
"""

import csv
import json
import os
import random

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["CUDA_VISIBLE_DEVICES"] = ""
import keras
import numpy as np
import onnx
import safetensors.torch
import torch

good = "good great wonderful moving funny brilliant warm touching superb fine".split()
bad = "bad dull awful boring weak terrible poor stupid empty tired".split()
rest = "the a film plot cast story and is was of in it with this scene end but very".split()

LENGTH = 12
random.seed(1)
keras.utils.set_random_seed(1)
torch.manual_seed(1)


def review(label):
    words = random.choices(rest, k=random.randint(3, 10)) + random.choices(good if label else bad, k=random.randint(1, 3))
    random.shuffle(words)
    return " ".join(words)


labels = [i % 2 for i in range(400)]
texts = [review(label) for label in labels]
# The rest is for the tests of the app.
shown = slice(0, 60)
with open("reviews.csv", "w", newline="") as file:
    writer = csv.writer(file)
    writer.writerow(["text", "label"])
    writer.writerows(zip(texts[shown], ["positive" if label else "negative" for label in labels[shown]]))

words = ["", "[UNK]"] + rest + good + bad
ids = {word: i for i, word in enumerate(words)}
rows = [[ids[word] for word in text.split()] for text in texts]
y = np.array(labels, np.float32)


class Classifier(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = torch.nn.Embedding(len(words), 4, padding_idx=0)
        self.lstm = torch.nn.LSTM(4, 6, batch_first=True)
        self.fc = torch.nn.Linear(6, 1)

    def forward(self, ids):
        output, (hidden, _) = self.lstm(self.embedding(ids))
        return self.fc(hidden[-1])


# Rows with zeros in front, which PyTorch's LSTM reads like any other step.
front = torch.tensor([[0] * (LENGTH - len(row[-LENGTH:])) + row[-LENGTH:] for row in rows])
model = Classifier()
optimizer = torch.optim.Adam(model.parameters(), 0.02)
for step in range(150):
    optimizer.zero_grad()
    torch.nn.functional.binary_cross_entropy_with_logits(model(front)[:, 0], torch.tensor(y)).backward()
    optimizer.step()
model.eval()
with torch.no_grad():
    pytorch = torch.sigmoid(model(front[shown]))[:, 0].tolist()
safetensors.torch.save_file(model.state_dict(), "pytorch.safetensors")
batch, time = torch.export.Dim("batch"), torch.export.Dim("time")
program = torch.onnx.export(
    model, (front[:2],), dynamo=True, input_names=["ids"], output_names=["logits"], dynamic_shapes=({0: batch, 1: time},)
)
exported = program.model_proto
# Where the code of this program stood.
for holder in (exported, exported.graph, *exported.graph.node, *exported.graph.value_info, *exported.graph.input, *exported.graph.output, *exported.graph.initializer):
    del holder.metadata_props[:]
for node in exported.graph.node:
    node.doc_string = ""
onnx.save(exported, "pytorch.onnx")
index = {"<pad>": 0, "<unk>": 1, **{word: i for word, i in ids.items() if i > 1}}
with open("pytorch.json", "w") as file:
    json.dump({"labels": ["negative", "positive"], "maxLength": LENGTH, "padding": "pre", "vocabulary": index}, file, indent=1)
    file.write("\n")

network = keras.Sequential(
    [
        keras.layers.Input((None,), dtype="int32"),
        keras.layers.Embedding(len(words), 4, mask_zero=True),
        keras.layers.LSTM(6),
        keras.layers.Dense(1, activation="sigmoid"),
    ]
)
network.compile(keras.optimizers.Adam(0.02), "binary_crossentropy")
behind = keras.utils.pad_sequences(rows, padding="post")
network.fit(behind, y, batch_size=400, epochs=150, verbose=0)
network.save("keras.keras")
network.save_weights("keras.weights.h5")
with open("keras.json", "w") as file:
    json.dump(words, file)
    file.write("\n")

answers = {"pytorch": pytorch, "keras": network.predict(behind[shown], verbose=0)[:, 0].tolist()}
with open("expected.json", "w") as file:
    json.dump(answers, file, indent=1)
    file.write("\n")
for name, probabilities in answers.items():
    print(name, "accuracy", np.mean((np.array(probabilities) > 0.5) == y[shown]))
