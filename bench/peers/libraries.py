"""Says what this interpreter has: a line of JSON with the version, or the reason why it cannot be imported, of each library."""

import contextlib
import importlib
import importlib.util
import json
import platform
import sys

found = {"python": platform.python_version(), "versions": {}, "failures": {}}
for name in ("torch", "tensorflow", "keras", "jax"):
    try:
        if importlib.util.find_spec(name) is not None:
            # What libraries greet with does not belong into the answer.
            with contextlib.redirect_stdout(sys.stderr):
                found["versions"][name] = importlib.import_module(name).__version__
    except Exception as error:
        found["failures"][name] = f"{type(error).__name__}: {error}".splitlines()[0]
print(json.dumps(found))
