"""What the contestants in Python share: the job they are given, and the conversation in which they are told to step.

A contestant is started as PROGRAM JOB OPTIONS. JOB is the file that src/peers/job.ts describes, OPTIONS is JSON. It says a line of JSON when
it is ready, reads numbers of steps from standard input, a line each, and answers each with a line of JSON: the milliseconds and the loss of
every step.
"""

import gc
import json
import math
import sys
import time
from pathlib import Path

import numpy


def read_tensors(path):
    """The float32 arrays of a safetensors file by their names: eight bytes of length, a header in JSON, the data."""
    data = Path(path).read_bytes()
    start = 8 + int.from_bytes(data[:8], "little")
    header = json.loads(data[8:start])
    header.pop("__metadata__", None)
    return {
        name: numpy.frombuffer(data, "<f4", (to - begin) // 4, start + begin).reshape(given["shape"]).copy()
        for name, given in header.items()
        for begin, to in [given["data_offsets"]]
    }


class Job:
    def __init__(self, path):
        given = json.loads(Path(path).read_text(encoding="utf-8"))
        self.rows, self.labels, self.batch, self.masked = (given[key] for key in ("rows", "labels", "batch", "masked"))
        network = given["network"]
        self.words, self.width, self.units = network["words"], network["embedding"], network["units"]
        self.kind, self.classes, self.frozen = network["kind"], network["classes"], network["frozen"]
        self.bidirectional = network["bidirectional"]
        # The names of the recurrences: a list of directions for each layer.
        self.layers = given["layers"]
        self.weights = read_tensors(given["weights"])

    @property
    def every_step(self):
        """Whether each step has a class; else the end of each row has one number."""
        return self.classes > 1

    def recurrence(self, name, gates):
        """W [gates · units, in], R [gates · units, units] and the biases of the input and the state, or none, in this order of the gates."""
        own = "zrh" if self.kind == "gru" else "iofc"

        def ordered(role):
            array = self.weights.get(f"{name}/{role}")
            if array is None:
                return None
            parts = dict(zip(own, numpy.split(array, len(own))))
            return numpy.concatenate([parts[gate] for gate in gates])

        return [ordered(role) for role in ("W", "R", "B", "recurrentBias")]

    def batches(self, pad_to=None, multiple=1):
        """
        Ids [rows, time], lengths [rows] and labels of each batch. Rows are filled up with zeros to `pad_to`, or to the longest of the batch
        rounded up to a multiple.
        """
        made = []
        for start in range(0, len(self.rows), self.batch):
            rows = self.rows[start : start + self.batch]
            lengths = numpy.array([len(row) for row in rows])
            longest = pad_to or -(-int(lengths.max()) // multiple) * multiple
            ids = numpy.array([row + [0] * (longest - len(row)) for row in rows], dtype="int32")
            labels = numpy.array(self.labels[start : start + self.batch], dtype="int32" if self.every_step else "float32")
            made.append((ids, lengths, labels))
        return made


def given():
    """The job and the options that the program was started with."""
    return Job(sys.argv[1]), json.loads(sys.argv[2])


def fastest(makers, *arguments, tries=2):
    """
    The name and the step of the fastest of {name: function that makes a step}, called with these arguments, once it is compiled. Who fails takes no
    part; somebody has to be left. Slower ones are let go at once.
    """
    best, least, failure = None, math.inf, None
    for name, make in makers.items():
        try:
            step = make()
            float(step(*arguments))
            start = time.perf_counter()
            for _ in range(tries):
                float(step(*arguments))
            taken = time.perf_counter() - start
            if taken < least:
                best, least = (name, step), taken
        except Exception as error:  # what a compiler cannot compile it says in many ways
            failure = error
        step = None
        gc.collect()
    if best is None:
        raise failure
    return best


def serve(step, prepare=None, clock=time.perf_counter, **facts):
    """
    Steps as often as is wanted: `step(i)` does the i-th step and gives its loss. `clock` tells seconds. `prepare` is called before the first one: it may take readings,
    for nobody else runs meanwhile, and gives more facts.
    """
    print(json.dumps({"ready": True, **facts}), flush=True)
    at, found = 0, None
    for line in sys.stdin:
        if found is None:
            found = prepare() if prepare else {}
        taken, losses = [], []
        for _ in range(int(line)):
            start = clock()
            losses.append(float(step(at)))
            taken.append((clock() - start) * 1000)
            at += 1
        print(json.dumps({"ms": taken, "losses": losses, "facts": found}), flush=True)
