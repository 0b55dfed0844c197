"""Golden values of TensorFlow's sampled_softmax_loss with given candidates: the loss of each row, and the gradients, in float64 (12 digits).

Run:  python3 make_tensorflow_sampled_softmax.py   (tensorflow from PyPI). Writes tensorflow-sampled-softmax.json beside this file.

The candidates are those that our loss draws with the seed 3 and the site 4 in the given step. What is said of the label in `sampled_values` is that it is there once, so that TensorFlow takes nothing from its
logit: its probability of being drawn does not matter where it always takes part. Every input is a multiple of 1/64, so that it is the same in float32 and float64.
"""

import json
import os

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import numpy as np
import tensorflow as tf

HERE = os.path.dirname(os.path.abspath(__file__))

CLASSES, SIZE = 12, 3
# log(1 + 1 / (id + 1)), in proportion to which five of twelve classes are drawn, each no more than once on average; to units of 2^-24.
EXPECTED = [
    1, 0.8664699792861938, 0.6147702932357788, 0.4768528342247009, 0.3896171450614929, 0.32941657304763794,
    0.2853536605834961, 0.2516997456550598, 0.2251530885696411, 0.20367580652236938, 0.1859413981437683, 0.17104947566986084,
]
# (step, candidates, labels). Labels that were drawn are among them; one that was drawn twice is not, as TensorFlow takes out one of the two only.
CASES = [(0, [0, 1, 2, 6, 9], [0, 5, 9, 11]), (1, [0, 1, 4, 4, 8], [8, 1, 7])]


def plain(array):
    return {"shape": list(array.shape), "data": [float(f"{x:.12g}") for x in np.asarray(array).flatten()]}


cases = []
for step, candidates, labels in CASES:
    random = np.random.default_rng(step)
    draw = lambda *shape: tf.Variable(random.integers(-128, 129, shape) / 64)
    features, table, bias, cotangents = draw(len(labels), SIZE), draw(CLASSES, SIZE), draw(CLASSES), draw(len(labels))
    with tf.GradientTape() as tape:
        losses = tf.nn.sampled_softmax_loss(
            weights=table, biases=bias, labels=tf.constant(labels, tf.int64)[:, None], inputs=features, num_sampled=len(candidates), num_classes=CLASSES,
            sampled_values=(
                tf.constant(candidates, tf.int64), tf.ones((len(labels), 1), tf.float64), tf.constant([EXPECTED[id] for id in candidates], tf.float64),
            ),
            remove_accidental_hits=True,
        )
    gradients = tape.gradient(losses, [features, table, bias], output_gradients=cotangents)
    gradients = {name: plain(tf.convert_to_tensor(gradient)) for name, gradient in zip(["features", "table", "bias"], gradients)}
    cases.append({
        "step": step, "candidates": candidates, "labels": labels, "features": plain(features), "table": plain(table), "bias": plain(bias),
        "cotangents": plain(cotangents), "losses": plain(losses), "gradients": gradients,
    })

with open(os.path.join(HERE, "tensorflow-sampled-softmax.json"), "w") as file:
    json.dump({"script": os.path.basename(__file__), "tensorflow": tf.__version__, "cases": cases}, file)
    file.write("\n")
