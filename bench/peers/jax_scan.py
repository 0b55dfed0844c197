"""
Training steps in JAX: `lax.scan` over time, jitted, the products with the inputs before it. Options: threads; padTo and multiple, the length that
batches are padded to. Each length is compiled by itself. The faster of two numbers of unrolled steps takes part.
"""

import os
from functools import partial

from protocol import given, fastest, serve

job, options = given()
if hasattr(os, "sched_setaffinity"):
    # XLA has as many threads as the process may have processors.
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: options["threads"]])
os.environ["JAX_PLATFORMS"] = "cpu"

import jax
import jax.numpy as jnp
from jax import lax

UNROLLED = (1, 4)


def initial():
    """Parameters that are trained, and those that are not."""
    recurrences = [
        [
            {key: array.T if array.ndim == 2 else array for key, array in zip("WRbs", own) if array is not None}
            for own in (job.recurrence(name, "zrh" if job.kind == "gru" else "iofc") for name in directions)
        ]
        for directions in job.layers
    ]
    embeddings = {"embeddings": job.weights["embedding/embeddings"]}
    trained = {"layers": recurrences, "kernel": job.weights["dense/kernel"], "bias": job.weights["dense/bias"]}
    trained, kept = (trained, embeddings) if job.frozen else ({**trained, **embeddings}, {})
    parameters = jax.tree.map(jnp.array, trained)
    zeros = lambda: jax.tree.map(jnp.zeros_like, parameters)
    return (parameters, zeros(), zeros(), jnp.zeros((), jnp.float32)), jax.tree.map(jnp.array, kept)


def lstm(own, state, x):
    h, c = state
    i, o, f, g = jnp.split(x + h @ own["R"], 4, axis=1)
    c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
    return jax.nn.sigmoid(o) * jnp.tanh(c), c


def gru(own, state, x):
    (h,) = state
    xz, xr, xh = jnp.split(x, 3, axis=1)
    hz, hr, hh = jnp.split(h @ own["R"] + own["s"], 3, axis=1)
    z, r = jax.nn.sigmoid(xz + hz), jax.nn.sigmoid(xr + hr)
    return (z * h + (1 - z) * jnp.tanh(xh + r * hh),)


cell, states = (gru, 1) if job.kind == "gru" else (lstm, 2)


def recur(own, x, lengths, reverse, unroll):
    """x [time, rows, features] → outputs [time, rows, units] and the last; a row stands still after its end."""
    projected = x @ own["W"] + own["b"]
    zero = tuple(jnp.zeros((x.shape[1], job.units)) for _ in range(states))

    def step(state, at):
        t, inputs = at
        new = cell(own, state, inputs)
        if job.masked:
            new = tuple(jnp.where((t < lengths)[:, None], a, b) for a, b in zip(new, state))
        return new, new[0]

    last, outputs = lax.scan(step, zero, (jnp.arange(x.shape[0]), projected), reverse=reverse, unroll=unroll)
    return outputs, last[0]


def loss_of(parameters, kept, ids, lengths, labels, unroll):
    parameters = {**parameters, **kept}
    x = parameters["embeddings"][ids.T]
    for directions in parameters["layers"]:
        both = [recur(own, x, lengths, bool(reverse), unroll) for reverse, own in enumerate(directions)]
        x, last = (jnp.concatenate(parts, -1) for parts in zip(*both))
    logits = (x if job.every_step else last) @ parameters["kernel"] + parameters["bias"]
    if job.every_step:
        chosen = jnp.take_along_axis(logits, labels.T[:, :, None], 2)[:, :, 0]
        return (jax.nn.logsumexp(logits, 2) - chosen).mean()
    return (jax.nn.softplus(logits[:, 0]) - labels * logits[:, 0]).mean()


@partial(jax.jit, static_argnames="unroll", donate_argnums=0)
def train(state, kept, ids, lengths, labels, unroll):
    """A step of Adam in Keras's form."""
    parameters, m, v, t = state
    loss, gradients = jax.value_and_grad(loss_of)(parameters, kept, ids, lengths, labels, unroll)
    t = t + 1
    m = jax.tree.map(lambda old, g: old + 0.1 * (g - old), m, gradients)
    v = jax.tree.map(lambda old, g: old + 0.001 * (g * g - old), v, gradients)
    rate = 0.001 * jnp.sqrt(1 - 0.999**t) / (1 - 0.9**t)
    parameters = jax.tree.map(lambda p, a, b: p - rate * a / (jnp.sqrt(b) + 1e-7), parameters, m, v)
    return (parameters, m, v, t), loss


def main():
    batches = [tuple(map(jnp.array, batch)) for batch in job.batches(options.get("padTo"), options.get("multiple", 1))]
    state, kept = initial()
    chosen = None

    def step(at, unroll):
        nonlocal state
        state, loss = jax.block_until_ready(train(state, kept, *batches[at % len(batches)], unroll))
        return loss

    def prepare():
        nonlocal state, chosen
        unroll, chosen = fastest({unroll: lambda unroll=unroll: partial(step, unroll=unroll) for unroll in UNROLLED}, 0)
        for at in {batch[0].shape: at for at, batch in enumerate(batches)}.values():
            chosen(at)
        state, _ = initial()
        return {"way": f"{unroll} unrolled"}

    serve(lambda at: chosen(at), prepare, version=jax.__version__)


main()
