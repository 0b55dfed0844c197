"""
The encoder–decoder in PyTorch. Options: threads; flush, whether subnormal numbers become zero; fused, whether Adam is the fused one; packed, whether sources
are given as a PackedSequence, which batches of one length do not need; write, of how many words the phones are written together: then nothing is trained.
"""

import json
import math
import sys
from pathlib import Path

import torch
from protocol import read_tensors, serve
from recurrences import set_lstm

START, END = 1, 2


class Network(torch.nn.Module):
    def __init__(self, task, weights):
        super().__init__()
        width, units, wide = task["embedding"], task["units"], 2 * task["units"]
        self.letters = torch.nn.Embedding(task["letters"], width)
        self.phones = torch.nn.Embedding(task["phones"], width)
        self.encoder = torch.nn.LSTM(width, units, task["layers"], bidirectional=True)
        self.decoder = torch.nn.LSTM(width, wide)
        self.score = torch.nn.Linear(wide, wide, bias=False)
        self.mix = torch.nn.Linear(2 * wide, wide, bias=False)
        self.next = torch.nn.Linear(wide, task["phones"])
        with torch.no_grad():
            self.letters.weight.copy_(torch.from_numpy(weights["letters/embeddings"]))
            self.phones.weight.copy_(torch.from_numpy(weights["phones/embeddings"]))
            for layer in range(task["layers"]):
                set_lstm(self.encoder, f"_l{layer}", weights, f"encoder{layer}/forward")
                set_lstm(self.encoder, f"_l{layer}_reverse", weights, f"encoder{layer}/backward")
            set_lstm(self.decoder, "_l0", weights, "decoder")
            self.score.weight.copy_(torch.from_numpy(weights["attention/kernel"]).t())
            self.mix.weight.copy_(torch.from_numpy(weights["mix/kernel"]).t())
            self.next.weight.copy_(torch.from_numpy(weights["next/kernel"]).t())
            self.next.bias.copy_(torch.from_numpy(weights["next/bias"]))

    def encode(self, source, lengths):
        """[source, rows] → what is attended to, [rows, source, wide], and the states that the decoder begins with."""
        spelt = self.letters(source)
        if lengths is not None:
            spelt = torch.nn.utils.rnn.pack_padded_sequence(spelt, lengths, enforce_sorted=False)
        encoded, (h, c) = self.encoder(spelt)
        if lengths is not None:
            encoded, _ = torch.nn.utils.rnn.pad_packed_sequence(encoded)
        return encoded.transpose(0, 1), tuple(torch.cat((both[-2], both[-1]), 1).unsqueeze(0) for both in (h, c))

    def decode(self, target, state, encoded):
        """[target, rows] → logits [rows, target, phones], and the states after it."""
        decoded, state = self.decoder(self.phones(target), state)
        decoded = decoded.transpose(0, 1)
        shares = torch.softmax(torch.bmm(self.score(decoded), encoded.transpose(1, 2)), 2)
        context = torch.bmm(shares, encoded)
        return self.next(torch.tanh(self.mix(torch.cat((context, decoded), 2)))), state


def padded(rows):
    longest = max(len(row) for row in rows)
    return torch.tensor([row + [0] * (longest - len(row)) for row in rows])


def write_batch(network, source, lengths, most):
    """The log-probabilities of what is written greedily, [rows]. Padding and START never come."""
    encoded, state = network.encode(source, lengths)
    rows = source.shape[1]
    tokens = torch.full((1, rows), START)
    total, finished = torch.zeros(rows), torch.zeros(rows, dtype=torch.bool)
    for step in range(most + 1):
        logits, state = network.decode(tokens, state, encoded)
        likely = torch.log_softmax(logits[:, 0], 1)
        best, tokens = likely[:, END:].max(1)
        tokens = tokens + END
        counts = ~finished if step < most else ~finished & (tokens == END)
        total += torch.where(counts, best, 0.0)
        finished |= tokens == END
        if finished.all():
            break
        tokens = tokens.unsqueeze(0)
    return total


def write(network, sources, together, most):
    """Sources of one length beside each other, so that none is padded."""
    batches = []
    for length in sorted({len(source) for source in sources}):
        alike = [source for source in sources if len(source) == length]
        for first in range(0, len(alike), together):
            batches.append(torch.tensor(alike[first : first + together]).t().contiguous())

    def step(_):
        with torch.inference_mode():
            return torch.cat([write_batch(network, source, None, most) for source in batches]).mean().item()

    serve(step, version=torch.__version__)


def main():
    job, options = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")), json.loads(sys.argv[2])
    torch.set_num_threads(options["threads"])
    if options["flush"]:
        torch.set_flush_denormal(True)
    task, rows = job["task"], job["rows"]
    network = Network(task, read_tensors(job["weights"]))
    if "write" in options:
        return write(network, rows["source"], options["write"], job["maxLength"])
    trained = [parameter for parameter in network.parameters() if parameter.requires_grad]
    optimizer = torch.optim.Adam(trained, lr=0.001, **({"fused": True} if options["fused"] else {}))
    loss_of = torch.nn.CrossEntropyLoss(ignore_index=0)
    batches = []
    for first in range(0, len(rows["source"]), job["batch"]):
        source, target, after = (rows[name][first : first + job["batch"]] for name in ("source", "target", "next"))
        lengths = torch.tensor([len(row) for row in source]) if options.get("packed", False) else None
        batches.append((padded(source).t().contiguous(), lengths, padded(target).t().contiguous(), padded(after).flatten()))

    def step(at):
        source, lengths, target, after = batches[at % len(batches)]
        # Keras and this project add epsilon to the root that is not corrected; here it is corrected.
        optimizer.param_groups[0]["eps"] = 1e-7 / math.sqrt(1 - 0.999 ** (at + 1))
        optimizer.zero_grad()
        encoded, state = network.encode(source, lengths)
        logits, _ = network.decode(target, state, encoded)
        loss = loss_of(logits.flatten(0, 1), after)
        loss.backward()
        optimizer.step()
        return loss.item()

    serve(step, version=torch.__version__)


main()
