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
        weights = [[job.weights["embedding/embeddings"]]]
        weights += [sum((own_weights(job, name) for name in directions), []) for directions in job.layers]
        weights += [[job.weights["dense/kernel"], job.weights["dense/bias"]]]
        for layer, own in zip(self.model.layers, weights):
            layer.set_weights(own)
        self.optimizer.build(self.model.trainable_variables)
        self.variables = [*self.model.weights, *self.optimizer.variables]
        self.initial = [numpy.array(variable) for variable in self.variables]
        self.step = self.own_step() if way == "tf.function" else self.model.train_on_batch

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
        for variable, initial in zip(self.variables, self.initial):
            variable.assign(initial)
        # What train_on_batch returns is the mean since the last reset.
        self.model.reset_metrics()


def main():
    job, options = given()
    tf.config.threading.set_intra_op_parallelism_threads(options["threads"])
    tf.config.threading.set_inter_op_parallelism_threads(options["threads"])
    batches = [
        (tf.constant(ids), tf.constant(labels if job.every_step else labels[:, None]))
        for ids, _, labels in job.batches(options.get("padTo"), options.get("multiple", 1))
    ]
    networks = {way: Network(job, options["masked"], way) for way in WAYS}
    network = None

    def prepare():
        nonlocal network
        way = fastest({way: partial(each.step, *batches[0]) for way, each in networks.items()})
        network = networks[way]
        for batch in {tuple(batch[0].shape): batch for batch in batches}.values():
            network.step(*batch)
        network.reset()
        return {"way": way}

    def step(at):
        network.model.reset_metrics()
        return network.step(*batches[at % len(batches)])

    serve(step, prepare, version=f"{keras.__version__} on TensorFlow {tf.__version__}")



main()
