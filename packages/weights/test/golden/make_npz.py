"""Arrays and archives written by NumPy, for npz.test.ts: python make_npz.py > npz.json"""

import base64
import io
import json

import numpy as np


def base64_of(write):
    out = io.BytesIO()
    write(out)
    return base64.b64encode(out.getvalue()).decode()


def case(array):
    kind = array.dtype.kind
    dtype = "bool" if kind == "b" else "int32" if kind in "iu" else "float64" if array.dtype.itemsize == 8 else "float32"
    return {
        "npy": base64_of(lambda out: np.save(out, array)),
        "dtype": dtype,
        "shape": list(array.shape),
        "data": array.astype({"bool": "u1", "int32": "i8"}.get(dtype, "f8")).ravel(order="C").tolist(),
    }


numbers = np.arange(-3, 9).reshape(2, 3, 2)
arrays = {}
for name in ["float16", "float32", "float64"]:
    arrays[f"{name} C"] = numbers.astype(name) / np.array(4, name)
for name in ["int8", "int16", "int32", "int64"]:
    arrays[f"{name} C"] = numbers.astype(name)
for name in ["uint8", "uint16", "uint32", "uint64", "bool"]:
    arrays[f"{name} C"] = (numbers + 3).astype(name)
arrays["float32 Fortran"] = np.asfortranarray(arrays["float32 C"])
arrays["int64 Fortran"] = np.asfortranarray(arrays["int64 C"])
arrays["float32 Fortran, one axis"] = np.asfortranarray(np.arange(3, dtype="float32"))
arrays["float32 big-endian"] = arrays["float32 C"].astype(">f4")
arrays["float16 big-endian, Fortran"] = np.asfortranarray(arrays["float16 C"].astype(">f2"))
arrays["int64 big-endian"] = arrays["int64 C"].astype(">i8")
arrays["scalar"] = np.float32(2.5).reshape(())
arrays["empty"] = np.zeros((0, 3), "float32")

members = {"lstm/kernel": np.arange(6, dtype="float32").reshape(2, 3), "arr_0": np.array([7, -8])}
print(
    json.dumps(
        {
            "arrays": {name: case(array) for name, array in arrays.items()},
            "savez": base64_of(lambda out: np.savez(out, **members)),
            "savez_compressed": base64_of(lambda out: np.savez_compressed(out, **members)),
        },
        indent=1,
    )
)
