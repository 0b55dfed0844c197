"""
Training steps in Keras on TensorFlow. Options: threads; masked; padTo and multiple, the length that batches are padded to. Three ways are tried, of
which the fastest takes part: `train_on_batch`, the same compiled by XLA, and a step of one's own in a tf.function.
"""

import os
from functools import partial

os.environ.update({"KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"})

import keras
import numpy
import tensorflow as tf
from protocol import fastest, given, serve

WAYS = ("train_on_batch", "train_on_batch by XLA", "tf.function")


def own_weights(job, name):
    """The kernel, the recurrent kernel and the bias of a recurrence."""
    kernel, recurrent, bias, recurrent_bias = job.recurrence(name, "zrh" if job.kind == "gru" else "ifco")
    return [kernel.T, recurrent.T, bias if recurrent_bias is None else numpy.stack([bias, recurrent_bias])]


class Network:
    """The network trained in one of the ways."""

    def __init__(self, job, masked, way):
        layers = [keras.layers.Embedding(job.words, job.width, mask_zero=masked, trainable=not job.frozen)]
        kind = keras.layers.GRU if job.kind == "gru" else keras.layers.LSTM
        for layer in range(len(job.layers)):
            recurrence = kind(job.units, return_sequences=job.every_step or layer + 1 < len(job.layers))
            layers.append(keras.layers.Bidirectional(recurrence) if job.bidirectional else recurrence)
        layers.append(keras.layers.Dense(job.classes))
        self.model = keras.Sequential([keras.Input((None,), dtype="int32"), *layers])
        self.loss = (
            keras.losses.SparseCategoricalCrossentropy(from_logits=True)
            if job.every_step
            else keras.losses.BinaryCrossentropy(from_logits=True)
        )
        self.optimizer = keras.optimizers.Adam(0.001)
        self.model.compile(loss=self.loss, optimizer=self.optimizer, jit_compile=way == "train_on_batch by XLA")
        self.weights = [[job.weights["embedding/embeddings"]]]
        self.weights += [sum((own_weights(job, name) for name in directions), []) for directions in job.layers]
        self.weights += [[job.weights["dense/kernel"], job.weights["dense/bias"]]]
        self.optimizer.build(self.model.trainable_variables)
        self.reset()
        self.step = self.own_step() if way == "tf.function" else self.model.train_on_batch

    def __call__(self, ids, labels):
        # What train_on_batch returns is the mean since the last reset.
        self.model.reset_metrics()
        return self.step(ids, labels)

    def own_step(self):
        @tf.function(reduce_retracing=True)
        def step(ids, labels):
            with tf.GradientTape() as tape:
                loss = self.loss(labels, self.model(ids, training=True))
            variables = self.model.trainable_variables
            self.optimizer.apply(tape.gradient(loss, variables), variables)
            return loss

        return step

    def reset(self):
        """Sets all as it is before the first step."""
        for layer, own in zip(self.model.layers, self.weights):
            layer.set_weights(own)
        for variable in self.optimizer.variables:
            if "learning_rate" not in variable.name:
                variable.assign(keras.ops.zeros_like(variable))


def main():
    job, options = given()
    tf.config.threading.set_intra_op_parallelism_threads(options["threads"])
    tf.config.threading.set_inter_op_parallelism_threads(options["threads"])
    batches = [
        (tf.constant(ids), tf.constant(labels if job.every_step else labels[:, None]))
        for ids, _, labels in job.batches(options.get("padTo"), options.get("multiple", 1))
    ]
    network = None

    def prepare():
        nonlocal network
        makers = {way: partial(Network, job, options["masked"], way) for way in WAYS}
        way, network = fastest(makers, *batches[0])
        for batch in {tuple(batch[0].shape): batch for batch in batches}.values():
            network(*batch)
        network.reset()
        return {"way": way}

    def step(at):
        return network(*batches[at % len(batches)])

    serve(step, prepare, version=f"{keras.__version__} on TensorFlow {tf.__version__}")


main()
