"""Makes keras.json: Keras models in the three file formats, gzip in base64, with data and outputs.

python make_keras.py > keras.json   (Keras 3.15 on TensorFlow)
"""
import base64
import gzip
import json
import os
import pathlib
import sys
import tempfile

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import keras
import numpy as np

layers = keras.layers
random = np.random.default_rng(7)


def ids(*shape):
    found = random.integers(1, 12, shape)
    for row, kept in enumerate([shape[1], shape[1] // 2, 1]):
        found[row, kept:] = 0
    return found.astype("int32")


def numbers(*shape):
    return random.normal(size=shape).astype("float32").round(4)


def everything():
    """A layer of each class that hands masks on, masks of its own, and two outputs."""
    x = layers.Input((None,), dtype="int32", name="ids")
    e = layers.Embedding(12, 4, mask_zero=True, embeddings_regularizer="l2")(x)
    y, h, c = layers.LSTM(4, return_sequences=True, return_state=True, dropout=0.1, recurrent_activation="hard_sigmoid")(e)
    z = layers.Concatenate()(
        [
            layers.Attention(use_scale=True, score_mode="concat")([y, y]),
            layers.Attention()([y, y, y], use_causal_mask=True),
            layers.AdditiveAttention()([y, y]),
            layers.TimeDistributed(layers.Dense(3, activation="leaky_relu", name="inner"))(y),
        ]
    )
    z = layers.LayerNormalization(epsilon=1e-4, name="layer:normal")(z)
    for layer in [layers.Dropout(0.2), layers.SpatialDropout1D(0.2), layers.GaussianNoise(0.1), layers.ReLU(), layers.Identity()]:
        z = layer(z)
    both = layers.Bidirectional(layers.GRU(3, return_sequences=True, reset_after=False), merge_mode="mul")(z)
    shared = layers.Dense(3, name="shared", kernel_initializer="he_normal", trainable=False)
    merged = layers.Average()([layers.Add()([shared(both), both]), layers.Maximum()([both, layers.Multiply()([both, both])])])
    pooled = layers.GlobalAveragePooling1D()(layers.Subtract()([merged, layers.Minimum()([both, merged])]))
    last = layers.SimpleRNN(3, go_backwards=True, activation="relu")(both)
    begun = layers.GRU(4, return_sequences=True)(y, initial_state=h)
    joined = layers.Concatenate()([pooled, last, shared(last), h, c])
    verdict = layers.Softmax(name="verdict")(layers.Dense(3)(layers.LeakyReLU(0.2)(layers.ELU()(joined))))
    return keras.Model(x, [verdict, begun]), {"ids": ids(3, 6)}


def inside():
    """Models inside of others: one that is shared, one of two inputs; outputs and inputs by name."""
    reader = keras.Sequential(
        [layers.Input((None, 2)), layers.Masking(-1.0), layers.LSTM(3, return_sequences=True), layers.GRU(3)], name="reader"
    )
    a, b = layers.Input((3,)), layers.Input((3,))
    compare = keras.Model([a, b], layers.Dense(2)(layers.Concatenate()([a, b])), name="compare")
    first, second = layers.Input((None, 2), name="first"), layers.Input((None, 2), name="second")
    u, v = reader(first), reader(second)
    again = layers.GlobalMaxPooling1D()(layers.RepeatVector(2)(u))
    outputs = {"score": compare([u, v]), "turned": compare([v, again])}
    x, y = numbers(3, 5, 2), numbers(3, 4, 2)
    x[1, 3:], y[2, 1:] = -1, -1
    return keras.Model({"first": first, "second": second}, outputs), {"first": x, "second": y}


def translator():
    source, target = layers.Input((None,), dtype="int32", name="source"), layers.Input((None,), dtype="int32", name="target")
    table = layers.Embedding(12, 4, mask_zero=True, name="source_words")
    memory, h, c = layers.LSTM(4, return_sequences=True, return_state=True, name="encoder")(table(source))
    words = layers.Embedding(12, 4, mask_zero=True, name="target_words")(target)
    steps = layers.LSTM(4, return_sequences=True, name="decoder")(words, initial_state=[h, c])
    context, scores = layers.Attention(name="attend")([steps, memory], return_attention_scores=True)
    vectors = layers.Dense(4, activation="tanh")(layers.Concatenate()([steps, context]))
    return keras.Model([source, target], [layers.Dense(12, name="next")(vectors), scores]), {"source": ids(3, 5), "target": ids(3, 4)}


def chain():
    model = keras.Sequential(
        [
            layers.Embedding(12, 4, mask_zero=True),
            layers.Bidirectional(layers.LSTM(3, return_sequences=True)),
            layers.Bidirectional(layers.SimpleRNN(3)),
            layers.Dense(2, activation="sigmoid"),
            layers.Dense(2, activation="sigmoid"),
        ]
    )
    model(np.zeros((1, 3), "int32"))
    return model, {"": ids(3, 6)}


def small():
    return keras.Sequential([layers.Input((None, 2)), layers.GRU(2), layers.Dense(1)]), {"": numbers(3, 4, 2)}


def plain(array):
    array = np.asarray(array)
    return {"shape": list(array.shape), "dtype": str(array.dtype), "data": array.astype("float64").round(7).flatten().tolist()}


def packed(model, suffix, save):
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / f"model{suffix}"
        save(path)
        return base64.b64encode(gzip.compress(path.read_bytes(), 9, mtime=0)).decode()


cases = {}
for make in [everything, inside, translator, chain, small]:
    keras.utils.set_random_seed(3)
    keras.backend.clear_session()
    model, inputs = make()
    model.set_weights([numbers(*np.shape(weights)) * 0.5 if np.shape(weights) else np.float32(0.7) for weights in model.get_weights()])
    found = model(inputs if make is inside else [*inputs.values()] if len(inputs) > 1 else [*inputs.values()][0])
    names = {"everything": ["verdict", "gru_1"], "translator": ["next", "attend"]}.get(make.__name__, ["output"])
    outputs = found if isinstance(found, dict) else dict(zip(names, found if isinstance(found, list) else [found]))
    cases[make.__name__] = {
        "keras": packed(model, ".keras", model.save),
        "weights": packed(model, ".weights.h5", model.save_weights),
        **({} if make is inside else {"h5": packed(model, ".h5", model.save)}),
        "inputs": {name: plain(array) for name, array in inputs.items()},
        "outputs": {name: plain(array) for name, array in outputs.items()},
    }
json.dump({"keras": keras.__version__, "cases": cases}, sys.stdout, indent=1)
