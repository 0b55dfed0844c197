"""What Keras's Attention and AdditiveAttention give in inference: outputs and scores, in float64 (12 digits).

Run:  python3.11 make_keras_attention.py   (Keras 3 on TensorFlow). Writes keras-attention.json beside this file.
Every input is a multiple of 1/64. Masks are lengths; Keras has no rule for a row without steps, so no length is 0. It sets what is past the end of a query to
0, but not its scores; these are set to 0 here.
"""

import json
import os

import keras
import numpy as np

keras.config.set_floatx("float64")
HERE = os.path.dirname(os.path.abspath(__file__))

# layer, its options by our names, query lengths, value lengths, with a key of its own
CASES = [
    ("attention", {}, [3, 2], [4, 1], False),
    ("attention", {"useScale": True}, None, None, True),
    ("attention", {"scoreMode": "concat", "useScale": True}, [1, 3], [2, 4], True),
    ("attention", {"scoreMode": "concat"}, None, [3, 4], False),
    ("attention", {"useCausalMask": True}, [4, 2], [4, 2], False),
    ("additiveAttention", {}, [3, 1], [1, 4], True),
    ("additiveAttention", {"useScale": False}, None, [4, 2], False),
    ("additiveAttention", {"useCausalMask": True}, [2, 4], [2, 4], True),
]
BATCH, VALUE_TIME, FEATURES = 2, 4, 3
KERAS = {"useScale": "use_scale", "scoreMode": "score_mode"}
LAYERS = {"attention": keras.layers.Attention, "additiveAttention": keras.layers.AdditiveAttention}
NAMES = {"concat_score_weight": "concatScoreWeight"}


def plain(array):
    return {"shape": list(np.shape(array)), "data": [float(f"{x:.12g}") for x in np.ravel(array)]}


def mask_of(lengths, time):
    return None if lengths is None else np.arange(time) < np.array(lengths)[:, None]


def case(seed, kind, options, query_lengths, value_lengths, keyed):
    random = np.random.RandomState(seed)
    draw = lambda *shape: random.randint(-64, 65, shape) / 64
    causal = options.get("useCausalMask", False)
    time = VALUE_TIME if causal else 3
    layer = LAYERS[kind](**{KERAS[name]: option for name, option in options.items() if name in KERAS})
    inputs = {"query": draw(BATCH, time, FEATURES), "value": draw(BATCH, VALUE_TIME, FEATURES)}
    if keyed:
        inputs["key"] = draw(BATCH, VALUE_TIME, FEATURES)
    layer.build([array.shape for array in inputs.values()])
    layer.set_weights([draw(*weight.shape) for weight in layer.weights])
    masks = [mask_of(query_lengths, time), mask_of(value_lengths, VALUE_TIME)] + [None] * keyed
    output, scores = layer(list(inputs.values()), mask=masks, return_attention_scores=True, use_causal_mask=causal)
    scores = np.array(scores)
    if query_lengths is not None:
        scores = scores * masks[0][:, :, None]
    return {
        "layer": kind,
        "options": options,
        "lengths": {
            **({"query": query_lengths} if query_lengths else {}),
            **({"value": value_lengths} if value_lengths else {}),
        },
        "inputs": {name: plain(array) for name, array in inputs.items()},
        "weights": {NAMES.get(w.name, w.name): plain(w.numpy()) for w in layer.weights},
        "results": {"output": plain(output), "scores": plain(scores)},
    }


golden = {
    "script": os.path.basename(__file__),
    "keras": keras.__version__,
    "cases": [case(seed, *row) for seed, row in enumerate(CASES)],
}
with open(os.path.join(HERE, "keras-attention.json"), "w") as file:
    json.dump(golden, file, separators=(",", ":"))
    file.write("\n")
