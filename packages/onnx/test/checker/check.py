"""Checks every model of a folder: check_model with full checks, and strict shape inference with data propagation, which must find the declared outputs.

Prints one line of JSON: the version of onnx, the newest operator set that it knows, how many models of the folder are of such a set, and why which are refused.
"""

import json
import pathlib
import sys

import onnx
from onnx.shape_inference import infer_shapes


def told(value):
    tensor = value.type.tensor_type
    sizes = [dim.dim_value if dim.HasField("dim_value") else None for dim in tensor.shape.dim]
    return tensor.elem_type, sizes if tensor.HasField("shape") else None


def expect_outputs(model):
    """What is inferred without being told; of sizes those that are numbers on both sides."""
    wanted = [told(value) for value in model.graph.output]
    for value in model.graph.output:
        value.type.tensor_type.ClearField("shape")
    inferred = infer_shapes(model, check_type=True, strict_mode=True, data_prop=True)
    for value, (element, sizes) in zip(inferred.graph.output, wanted):
        found_element, found = told(value)
        same = found is not None and len(found) == len(sizes) and found_element == element
        if not same or any(None not in (a, b) and a != b for a, b in zip(found, sizes)):
            raise ValueError(f"{value.name} is said to be {element} {sizes}, and inferred to be {found_element} {found}")


newest = onnx.defs.onnx_opset_version()
checked = 0
refused = {}
for path in sorted(pathlib.Path(sys.argv[1]).glob("*.onnx")):
    model = onnx.load(path)
    if model.opset_import[0].version > newest:
        continue
    checked += 1
    try:
        onnx.checker.check_model(model, full_check=True)
        expect_outputs(model)
    except Exception as error:  # those of onnx have no base of their own
        refused[path.name] = f"{type(error).__name__}: {error}"
print(json.dumps({"version": onnx.__version__, "newest": newest, "checked": checked, "refused": refused}))
