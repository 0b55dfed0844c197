"""Makes the golden files beside it: small archives in the form of Keras's imdb.npz, and what Keras makes of them.

Run with Debian's python3-numpy (1.24): python3 make_npz.py
The steps of `load_data` are those of keras/src/datasets/imdb.py (Keras 3), with NumPy's own random numbers.
"""

import io
import json
import pathlib
import pickle
import zipfile

import numpy as np

here = pathlib.Path(__file__).parent


def reviews(count, seed):
    rng = np.random.RandomState(seed)
    lists = [[int(w) for w in rng.randint(1, 90_000, rng.randint(1, 9))] for _ in range(count)]
    lists[0] = [1, 255, 256, 65_535, 65_536, 88_584]
    array = np.empty(count, dtype=object)
    array[:] = lists
    return array


x_train, x_test = reviews(12, 1), reviews(7, 2)
y_train, y_test = np.array([1] * 6 + [0] * 6), np.array([1, 0, 1, 0, 0, 1, 1])
arrays = {"x_train": x_train, "y_train": y_train, "x_test": x_test, "y_test": y_test}


def npy(array, protocol):
    """As numpy.save writes it, with another pickle protocol."""
    if array.dtype != object:
        out = io.BytesIO()
        np.save(out, array)
        return out.getvalue()
    out = io.BytesIO()
    np.lib.format.write_array_header_1_0(out, np.lib.format.header_data_from_array_1_0(array))
    pickle.dump(array, out, protocol=protocol)
    return out.getvalue()


def archive(name, protocol, compression):
    with zipfile.ZipFile(here / name, "w", compression) as file:
        for member, array in arrays.items():
            file.writestr(zipfile.ZipInfo(f"{member}.npy"), npy(array, protocol), compression)


np.savez(here / "savez.npz", **arrays)
np.savez_compressed(here / "savez_compressed.npz", **arrays)
for protocol in (2, 4, 5):
    archive(f"protocol{protocol}.npz", protocol, zipfile.ZIP_DEFLATED)


def load_data(num_words=None, skip_top=0, maxlen=None, seed=113, start_char=1, oov_char=2, index_from=3):
    rng = np.random.RandomState(seed)
    halves = []
    for x, y in ((x_train, y_train), (x_test, y_test)):
        indices = np.arange(len(x))
        rng.shuffle(indices)
        x, y = x[indices], y[indices]
        if start_char is not None:
            x = [[start_char] + [w + index_from for w in r] for r in x]
        elif index_from:
            x = [[w + index_from for w in r] for r in x]
        else:
            x = [list(r) for r in x]
        if maxlen:
            kept = [(r, label) for r, label in zip(x, y) if len(r) < maxlen]
            x, y = [r for r, _ in kept], [label for _, label in kept]
        halves.append((x, [int(label) for label in y]))
    if not num_words:
        num_words = max(max(r) for x, _ in halves for r in x)
    prepared = []
    for x, y in halves:
        if oov_char is not None:
            x = [[w if skip_top <= w < num_words else oov_char for w in r] for r in x]
        else:
            x = [[w for w in r if skip_top <= w < num_words] for r in x]
        prepared.append({"sequences": x, "labels": y})
    return {"train": prepared[0], "test": prepared[1]}


cases = [
    {},
    {"num_words": 20_000},
    {"num_words": 20_000, "skip_top": 300, "seed": 0},
    {"num_words": 40_000, "oov_char": None},
    {"maxlen": 6, "seed": 4_294_967_295},
    {"start_char": None, "index_from": 0},
    {"start_char": None, "index_from": 5, "oov_char": 4, "num_words": 300},
    {"start_char": 7, "skip_top": 10},
]
orders = {
    f"{count} {seed}": [int(i) for i in order]
    for count, seed in ((1, 0), (2, 113), (33, 113), (100, 42), (700, 4_294_967_295))
    for order in [np.arange(count)]
    if np.random.RandomState(seed).shuffle(order) is None
}
checks = {}
for count in (25_000,):
    order = np.arange(count)
    rng = np.random.RandomState(113)
    rng.shuffle(order)
    checks["first of 25000"] = [int(i) for i in order[:8]]
    checks["last of 25000"] = [int(i) for i in order[-8:]]
    order = np.arange(count)
    rng.shuffle(order)
    checks["second shuffle"] = [int(i) for i in order[:8]]
golden = {"cases": [{"options": c, "expected": load_data(**c)} for c in cases], "orders": orders, "checks": checks}
(here / "imdb-npz.json").write_text(json.dumps(golden) + "\n")
