"""What Keras's ReversibleEmbedding learns: a small language model whose input and output share their matrix, in float64 (12 digits).

    ids(4) -> words = ReversibleEmbedding(6, 3, L2 0.01) -> SimpleRNN(3, return sequences) -> words, in reverse -> sparse crossentropy from logits

Three epochs of SGD, one batch each. Initial weights are multiples of 1/64.

Run:  python3.11 make_keras_reversible.py   (Keras 3 on TensorFlow). Writes keras-reversible.json beside this file.
"""

import json
import os

import keras
import numpy as np

keras.config.set_floatx("float64")
HERE = os.path.dirname(os.path.abspath(__file__))
WORDS, WIDTH, ROWS, TIME = 6, 3, 5, 4

random = np.random.RandomState(11)
draw = lambda *shape: random.randint(-64, 65, shape) / 64

x = random.randint(0, WORDS, (ROWS, TIME))
y = random.randint(0, WORDS, (ROWS, TIME))
words = keras.layers.ReversibleEmbedding(WORDS, WIDTH, embeddings_regularizer=keras.regularizers.L2(0.01))
entry = keras.Input((TIME,), dtype="int32")
rnn = keras.layers.SimpleRNN(WIDTH, return_sequences=True)
model = keras.Model(entry, words(rnn(words(entry)), reverse=True))
words.set_weights([draw(WORDS, WIDTH)])
rnn.set_weights([draw(WIDTH, WIDTH), draw(WIDTH, WIDTH), draw(WIDTH)])


def plain(value):
    return {"shape": list(np.shape(value)), "data": [float(f"{x:.12g}") for x in np.ravel(value)]}


def weights():
    """By our names: kernels are [units, input] here, [input, units] in Keras."""
    kernel, recurrent, bias = rnn.get_weights()
    return {
        "words/embeddings": plain(words.get_weights()[0]),
        "rnn/W": plain(kernel.T),
        "rnn/R": plain(recurrent.T),
        "rnn/B": plain(bias),
    }


initial = weights()
logits = plain(model.predict(x, verbose=0))
model.compile(
    optimizer=keras.optimizers.SGD(0.5), loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True)
)
history = model.fit(x, y, batch_size=ROWS, epochs=3, shuffle=False, verbose=0).history
golden = {
    "script": os.path.basename(__file__),
    "keras": keras.__version__,
    "x": x.tolist(),
    "y": y.tolist(),
    "initial": initial,
    "logits": logits,
    "losses": [float(f"{loss:.12g}") for loss in history["loss"]],
    "trained": weights(),
}
with open(os.path.join(HERE, "keras-reversible.json"), "w") as file:
    json.dump(golden, file, separators=(",", ":"))
    file.write("\n")
