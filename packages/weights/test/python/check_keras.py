"""Loads the output of writeKeras.ts, compares Keras's results, and saves each model again as `NAME.again.keras`.

python check_keras.py FOLDER   (Keras 3.15 on TensorFlow)
"""
import json
import pathlib
import sys

import keras
import numpy as np


def array(tensor):
    return np.array(tensor["data"], dtype=tensor["dtype"]).reshape(tensor["shape"])


for path in sorted(pathlib.Path(sys.argv[1]).glob("*.json")):
    archive = path.with_suffix(".keras")
    model = keras.models.load_model(archive)
    case = json.loads(path.read_text())
    inputs = {name: array(tensor) for name, tensor in case["inputs"].items()}
    found = model([inputs[name] for name in [i.name for i in model.inputs]] if len(inputs) > 1 else inputs.popitem()[1])
    found = found if isinstance(found, dict) else {"output": found}
    model.save(archive.with_suffix(".again.keras"))
    for name, tensor in case["outputs"].items():
        wanted = array(tensor)
        given = np.array(found[name])
        difference = np.abs(given - wanted)
        # What stands behind the end of a row is another thing here.
        if wanted.ndim == 3 and "lengths" in case:
            difference *= np.arange(wanted.shape[1])[None, :, None] < np.array(case["lengths"])[:, None, None]
        difference = difference.max()
        print(f"{archive.name} {name} {given.shape}: largest difference {difference:.2e}")
        assert given.shape == wanted.shape and difference < 1e-5
