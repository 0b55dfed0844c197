"""What Keras computes for a model of two outputs with a loss, a loss weight, metrics and sample weights of their own.

    Input(3) -> Dense(4, tanh) -> "tone":  Dense(1, sigmoid), binary_crossentropy, loss weight 0.5
                               -> "topic": Dense(3, softmax), sparse_categorical_crossentropy, loss weight 2

Three epochs of SGD, one batch each, then an evaluation in one batch: over several, Keras's figure for the loss of one output is the mean of
the batches' means, whatever their sizes. Initial weights and data are multiples of 1/1024, the same in float32 and float64.

Run:  python3.11 make_keras_outputs.py   (Keras 3 on TensorFlow). Writes keras-outputs.json beside this file.
"""

import json
import os

import keras
import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
ROWS = 6

random = np.random.RandomState(3)
draw = lambda *shape: random.randint(-1024, 1025, shape) / 1024

x = draw(ROWS, 3)
y = {"tone": random.randint(0, 2, (ROWS, 1)), "topic": random.randint(0, 3, (ROWS,))}
weights = {"tone": random.randint(0, 1025, (ROWS,)) / 1024, "topic": random.randint(0, 1025, (ROWS,)) / 1024}

entry = keras.Input((3,))
shared = keras.layers.Dense(4, activation="tanh", name="shared")(entry)
outputs = {
    "tone": keras.layers.Dense(1, activation="sigmoid", name="tone")(shared),
    "topic": keras.layers.Dense(3, activation="softmax", name="topic")(shared),
}
model = keras.Model(entry, outputs)
initial = {}
for layer in model.layers[1:]:
    kernel, bias = (draw(*weight.shape) for weight in layer.weights)
    layer.set_weights([kernel, bias])
    initial[layer.name] = {"kernel": kernel, "bias": bias}

model.compile(
    optimizer=keras.optimizers.SGD(0.5),
    loss={"tone": "binary_crossentropy", "topic": "sparse_categorical_crossentropy"},
    loss_weights={"tone": 0.5, "topic": 2.0},
    metrics={"tone": ["binary_accuracy"], "topic": ["sparse_categorical_accuracy"]},
    weighted_metrics={"topic": [keras.metrics.SparseTopKCategoricalAccuracy(2, name="top2")]},
)
history = model.fit(x, y, sample_weight=weights, batch_size=ROWS, epochs=3, shuffle=False, verbose=0).history
evaluated = model.evaluate(x, y, sample_weight=weights, batch_size=ROWS, return_dict=True, verbose=0)
unweighted = model.evaluate(x, y, batch_size=ROWS, return_dict=True, verbose=0)
trained = {layer.name: dict(zip(["kernel", "bias"], layer.get_weights())) for layer in model.layers[1:]}

plain = lambda value: (
    {name: plain(part) for name, part in value.items()} if isinstance(value, dict) else np.asarray(value).tolist()
)
golden = {
    "script": os.path.basename(__file__),
    "keras": keras.__version__,
    "x": plain(x),
    "y": {"tone": y["tone"][:, 0].tolist(), "topic": y["topic"].tolist()},
    "sampleWeights": plain(weights),
    "initial": plain(initial),
    "history": plain(history),
    "trained": plain(trained),
    "evaluated": plain(evaluated),
    "unweighted": plain(unweighted),
}
with open(os.path.join(HERE, "keras-outputs.json"), "w") as file:
    json.dump(golden, file, separators=(",", ":"))
    file.write("\n")
