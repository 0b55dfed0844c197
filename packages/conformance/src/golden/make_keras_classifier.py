"""Golden values of the article's network by Keras's documented formulas, transcribed to NumPy (Keras itself is not run).

    Embedding(mask_zero=True) -> LSTM -> Dense(1, sigmoid), and binary_crossentropy

The formulas are those of keras/src/layers/rnn/lstm.py (LSTMCell.call, implementation 2; gates i, f, c, o; kernel [input, 4 units]) and of
keras/src/backend/numpy/nn.py (binary_crossentropy, which clips probabilities by epsilon 1e-7): z = x.kernel + h.recurrent_kernel + bias;
i, f, o = sigmoid(z); c = f * c + i * tanh(z_c); h = o * tanh(c). A masked step keeps h and c, so padding behind changes nothing.
Initial weights are not Keras's but multiples of 1/1024, the same in float32 and float64.

Run:  python3 make_keras_classifier.py   (NumPy only). Writes keras-classifier.json beside this file.
"""

import json
import os

import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))

# words, embedding, units, ids [batch][time], labels
CASES = [
    (5, 2, 3, [[1, 4, 2], [3, 0, 0]], [1, 0]),
    (9, 3, 4, [[8, 1, 1, 5, 2], [2, 3, 0, 0, 0], [7, 7, 7, 7, 0], [0, 0, 0, 0, 0]], [0, 1, 1, 0]),
    (4, 1, 1, [[2]], [1]),
]


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def make(seed, words, width, units, ids, labels):
    random = np.random.RandomState(seed)

    def draw(*shape):
        return random.randint(-1024, 1025, shape) / 1024

    weights = {
        "embeddings": draw(words, width),
        "kernel": draw(width, 4 * units),
        "recurrent_kernel": draw(units, 4 * units),
        "bias": draw(4 * units),
        "dense_kernel": draw(units, 1),
        "dense_bias": draw(1),
    }
    ids = np.array(ids)
    h = np.zeros((len(ids), units))
    c = np.zeros((len(ids), units))
    for t in range(ids.shape[1]):
        mask = (ids[:, t] != 0)[:, None]
        z = weights["embeddings"][ids[:, t]] @ weights["kernel"] + h @ weights["recurrent_kernel"] + weights["bias"]
        i, f, candidate, o = np.split(z, 4, axis=1)
        next_c = sigmoid(f) * c + sigmoid(i) * np.tanh(candidate)
        next_h = sigmoid(o) * np.tanh(next_c)
        h, c = np.where(mask, next_h, h), np.where(mask, next_c, c)
    probabilities = sigmoid(h @ weights["dense_kernel"] + weights["dense_bias"])[:, 0]
    clipped = np.clip(probabilities, 1e-7, 1 - 1e-7)
    target = np.array(labels)
    loss = -(target * np.log(clipped) + (1 - target) * np.log(1 - clipped)).mean()
    return {
        "ids": {"shape": list(ids.shape), "data": ids.flatten().tolist()},
        "labels": labels,
        "weights": {name: {"shape": list(x.shape), "data": x.flatten().tolist()} for name, x in weights.items()},
        "h": {"shape": list(h.shape), "data": h.flatten().tolist()},
        "probabilities": probabilities.tolist(),
        "loss": float(loss),
    }


golden = {
    "script": os.path.basename(__file__),
    "numpy": np.__version__,
    "cases": [make(seed, *case) for seed, case in enumerate(CASES)],
}
with open(os.path.join(HERE, "keras-classifier.json"), "w") as file:
    json.dump(golden, file, separators=(",", ":"))
    file.write("\n")
