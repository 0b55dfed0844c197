"""What Keras's layers over time compute, and their gradients.

Each case is a layer with weights and an input x: its output y, and the gradients of the sum of y times random numbers, of x and of each weight. Data
are multiples of 1/64, so that there are equal numbers among them and the same ones in float32 and float64. Layers that sum up a sequence are given
a mask, [batch, time], where they take one.

Run:  python3.11 make_keras_layers.py   (Keras 3 on TensorFlow). Writes keras-layers.json beside this file.
"""

import json
import os

os.environ["KERAS_BACKEND"] = "tensorflow"

import keras
import numpy as np
import tensorflow as tf

HERE = os.path.dirname(os.path.abspath(__file__))
keras.config.set_floatx("float64")
random = np.random.RandomState(5)
draw = lambda *shape: random.randint(-64, 65, shape) / 64
layers = keras.layers


def case(name, layer, x, mask=None):
    x = tf.constant(x, "float64")
    layer(x)
    layer.set_weights([draw(*weight.shape) for weight in layer.weights])
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = layer(x) if mask is None else layer(x, mask=tf.constant(mask))
        cotangent = draw(*y.shape)
        loss = tf.reduce_sum(y * cotangent)
    weights = [weight.value for weight in layer.weights]
    dx, *gradients = tape.gradient(loss, [x, *weights])
    plain = lambda value: np.asarray(value).tolist()
    return {
        "name": name,
        "x": plain(x),
        **({} if mask is None else {"lengths": np.asarray(mask).sum(axis=1).tolist()}),
        "weights": {weight.path.split("/")[-1]: plain(weight) for weight in layer.weights},
        "y": plain(y),
        "cotangent": plain(cotangent),
        "dx": plain(dx),
        "gradients": {weight.path.split("/")[-1]: plain(g) for weight, g in zip(layer.weights, gradients)},
    }


steps, vectors = draw(3, 4, 3), draw(3, 5)
alike = np.full((2, 4), 0.5)
ragged = np.arange(4)[None, :] < np.array([4, 2, 1])[:, None]
gaps = np.where(ragged[:, :, None], steps + 2, 0)


def masked(mask_value):
    """Masking, and a layer behind it that counts the steps that are left."""
    return keras.Sequential([layers.Masking(mask_value), layers.GlobalAveragePooling1D()])


cases = [
    case("layerNormalization of a sequence", layers.LayerNormalization(), steps),
    case("layerNormalization of features", layers.LayerNormalization(epsilon=0.25), vectors),
    case("layerNormalization of equal elements", layers.LayerNormalization(), alike),
    case("layerNormalization without center", layers.LayerNormalization(center=False), vectors),
    case("layerNormalization without scale", layers.LayerNormalization(scale=False), vectors),
    case("timeDistributed", layers.TimeDistributed(layers.Dense(2, activation="tanh")), steps),
    case("repeatVector", layers.RepeatVector(3), vectors),
    case("globalMaxPooling1d", layers.GlobalMaxPooling1D(), np.round(steps * 2) / 2),
    case("globalAveragePooling1d", layers.GlobalAveragePooling1D(), steps),
    case("globalAveragePooling1d of ragged rows", layers.GlobalAveragePooling1D(), steps, ragged),
    case("masking", masked(0.0), gaps),
    case("masking of another value", masked(-1.5), np.where(ragged[:, :, None], steps, -1.5)),
]
with open(os.path.join(HERE, "keras-layers.json"), "w") as file:
    json.dump({"script": os.path.basename(__file__), "keras": keras.__version__, "cases": cases}, file, separators=(",", ":"))
    file.write("\n")
