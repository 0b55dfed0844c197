"""Makes hdf5.json: HDF5 files written by h5py in base64, both supported and unsupported.

python make_hdf5.py > hdf5.json   (h5py 3, numpy)
"""
import base64
import io
import json

import h5py
import numpy as np


def file(make, **options):
    buffer = io.BytesIO()
    with h5py.File(buffer, "w", **options) as f:
        make(f)
    return base64.b64encode(buffer.getvalue()).decode()


def ramp(*shape, dtype="f4"):
    return np.arange(int(np.prod(shape)), dtype=dtype).reshape(shape)


def plain(f):
    group = f.create_group("layers/dense/vars")
    group.attrs["name"] = "naïve"
    group.attrs["list"] = [b"kernel", b"bias:0"]
    group.attrs["texts"] = ["one", "", "drei"]
    group.attrs["count"] = 3
    group["half"], group["single"], group["double"] = ramp(2, 3, dtype="f2"), ramp(2, 3), ramp(2, 3, dtype="f8")
    group["scalar"], group["empty"] = np.float32(7), np.zeros((0, 4), "f4")
    group["whole"] = ramp(3, dtype="i4")
    many = f.create_group("many")
    for k in range(40):
        many[f"member{k}"] = np.float32(k)


def packed(f):
    f.create_dataset("edges", data=ramp(7, 5), chunks=(3, 2), compression="gzip", shuffle=True)
    f.create_dataset("cube", data=ramp(4, 5, 6), chunks=(2, 5, 4), compression="gzip")
    f.create_dataset("stored", data=ramp(10), chunks=(4,))


def latest(f):
    group = f.create_group("a")
    group["x"] = ramp(2, 3)
    group.attrs["name"] = "new"
    f["a/b/y"] = ramp(4)


def virtual(f):
    f["source"] = ramp(4)
    layout = h5py.VirtualLayout(shape=(4,), dtype="f4")
    layout[:] = h5py.VirtualSource(".", "source", shape=(4,))
    f.create_virtual_dataset("x", layout)


def never_written(f):
    f.create_dataset("x", (4,), "f4")


def cycle(f):
    f.create_group("a")["back"] = f["/"]


def twice(f):
    f["x"] = ramp(2)
    f["y"] = f["x"]


print(
    json.dumps(
        {
            "plain": file(plain),
            "packed": file(packed),
            "latest": file(latest, libver="latest"),
            "softLink": file(lambda f: f.__setitem__("x", h5py.SoftLink("/y"))),
            "softLinkNew": file(lambda f: f.__setitem__("x", h5py.SoftLink("/y")), libver="latest"),
            "externalLink": file(lambda f: f.__setitem__("x", h5py.ExternalLink("/etc/passwd", "/"))),
            "externalStorage": file(lambda f: f.create_dataset("x", (4,), "f4", external="/etc/passwd")),
            "virtual": file(virtual, libver="latest"),
            "neverWritten": file(never_written),
            "cycle": file(cycle),
            "twice": file(twice),
            "bigEndian": file(lambda f: f.__setitem__("x", ramp(2, dtype=">f4"))),
            "lzf": file(lambda f: f.create_dataset("x", data=ramp(8), compression="lzf")),
            "latestChunks": file(lambda f: f.create_dataset("x", data=ramp(8), chunks=(2,)), libver="latest"),
            "bomb": file(lambda f: f.create_dataset("x", data=np.zeros(1_000_000, "f4"), compression="gzip", chunks=(1_000_000,))),
        },
        indent=1,
    )
)
