"""
The encoder–decoder that translates sentences in PyTorch. Options: threads; flush, whether subnormal numbers become zero; fused, whether Adam is the fused one; step, how
a step of the decoder with input feeding is computed; compiled, whether by torch.compile; output, whether only what scores subwords is trained; write, of how many
sentences the translations are written together: then nothing is trained.
"""

import json
import math
import sys
from functools import partial
from pathlib import Path

import torch
from protocol import read_tensors, serve
from recurrences import set_lstm

START, END = 1, 2


class Table(torch.nn.Module):
    """One matrix looks subwords up and scores them."""

    def __init__(self, task, weights):
        super().__init__()
        self.embeddings = torch.nn.Parameter(torch.from_numpy(weights["subwords/embeddings"]))
        self.bias = torch.nn.Parameter(torch.from_numpy(weights["subwords/bias"]))

    def forward(self, ids):
        return torch.nn.functional.embedding(ids, self.embeddings)

    def scores(self, vectors):
        return torch.nn.functional.linear(vectors, self.embeddings, self.bias)


class Network(torch.nn.Module):
    def __init__(self, task, weights, way):
        super().__init__()
        width, units, wide = task["embedding"], task["units"], 2 * task["units"]
        self.way, self.feeding, self.width, self.wide = way, task["inputFeeding"], width, wide
        self.subwords = Table(task, weights)
        self.encoder = torch.nn.LSTM(width, units, bidirectional=True)
        reads = 2 * width if self.feeding else width
        whole = not self.feeding or way == "layer"
        self.decoder = torch.nn.LSTM(reads, wide) if whole else torch.nn.LSTMCell(reads, wide)
        self.score = torch.nn.Linear(wide, wide, bias=False)
        self.mix = torch.nn.Linear(2 * wide, width, bias=False)
        with torch.no_grad():
            set_lstm(self.encoder, "_l0", weights, "encoder/forward")
            set_lstm(self.encoder, "_l0_reverse", weights, "encoder/backward")
            set_lstm(self.decoder, "_l0" if whole else "", weights, "decoder/layer0")
            # Scores are query · kernel · memory: the kernel meets the memory once, for all steps of the decoder.
            self.score.weight.copy_(torch.from_numpy(weights["decoder/attention/kernel"]))
            self.mix.weight.copy_(torch.from_numpy(weights["decoder/kernel"]).t())

    def encode(self, source):
        """[source, rows] → what is attended to, [rows, source, wide], its keys turned round, [rows, wide, source], and the states that the decoder begins with."""
        encoded, (h, c) = self.encoder(self.subwords(source))
        memory = encoded.transpose(0, 1).contiguous()
        keys = self.score(memory).transpose(1, 2)
        return memory, keys, torch.cat((h[0], h[1]), 1), torch.cat((c[0], c[1]), 1)

    def attend(self, decoded, memory, keys):
        """[rows, steps, wide] → the attentional vectors, [rows, steps, width]."""
        context = torch.bmm(torch.softmax(torch.bmm(decoded, keys), 2), memory)
        return torch.tanh(self.mix(torch.cat((context, decoded), 2)))

    def vectors(self, target, memory, keys, h, c):
        """All attentional vectors, [rows, target, width]."""
        if not self.feeding:
            decoded, _ = self.decoder(self.subwords(target), (h.unsqueeze(0), c.unsqueeze(0)))
            return self.attend(decoded.transpose(0, 1), memory, keys)
        return getattr(self, f"by_{self.way}")(self.subwords(target), memory, keys, h, c)

    def by_cell(self, said, memory, keys, h, c):
        """LSTMCell of what was said and fed."""
        vector, vectors = said.new_zeros(said.shape[1], self.width), []
        for x in said:
            h, c = self.decoder(torch.cat((x, vector), 1), (h, c))
            vector = self.attend(h.unsqueeze(1), memory, keys).squeeze(1)
            vectors.append(vector)
        return torch.stack(vectors, 1)

    def by_layer(self, said, memory, keys, h, c):
        """nn.LSTM of one step."""
        vector, vectors = said.new_zeros(1, said.shape[1], self.width), []
        h, c = h.unsqueeze(0), c.unsqueeze(0)
        for x in said:
            decoded, (h, c) = self.decoder(torch.cat((x.unsqueeze(0), vector), 2), (h, c))
            vector = self.attend(decoded.transpose(0, 1), memory, keys).transpose(0, 1)
            vectors.append(vector.squeeze(0))
        return torch.stack(vectors, 1)

    def by_gates(self, said, memory, keys, h, c):
        """The products with what was said of all steps at once, one product of what is fed and the state in each, and the gates written down."""
        w, u = self.decoder.weight_ih.split(self.width, 1)
        given = torch.nn.functional.linear(said, w, self.decoder.bias_ih)
        fed = torch.cat((u, self.decoder.weight_hh), 1).t()
        vector, vectors = said.new_zeros(said.shape[1], self.width), []
        for x in given:
            i, f, g, o = torch.addmm(x, torch.cat((vector, h), 1), fed).chunk(4, 1)
            c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
            h = torch.sigmoid(o) * torch.tanh(c)
            vector = self.attend(h.unsqueeze(1), memory, keys).squeeze(1)
            vectors.append(vector)
        return torch.stack(vectors, 1)

    def forward(self, source, target):
        """Logits [rows · target, subwords]."""
        return self.subwords.scores(self.vectors(target, *self.encode(source)).flatten(0, 1))


class Output(torch.nn.Module):
    """Only the look-up and the scores."""

    def __init__(self, task, weights):
        super().__init__()
        self.subwords = Table(task, weights)

    def forward(self, _, target):
        return self.subwords.scores(self.subwords(target.t()).flatten(0, 1))


def train(job, options, weights):
    task, rows = job["task"], job["rows"]
    network = Output(task, weights) if options.get("output") else Network(task, weights, options.get("step", "cell"))
    trained = [parameter for parameter in network.parameters() if parameter.requires_grad]
    optimizer = torch.optim.Adam(trained, lr=0.001, **({"fused": True} if options["fused"] else {}))
    loss_of = torch.nn.CrossEntropyLoss()
    batches = []
    for first in range(0, len(rows["source"]), job["batch"]):
        source, target, after = (torch.tensor(rows[name][first : first + job["batch"]]) for name in ("source", "target", "next"))
        batches.append((source.t().contiguous(), target.t().contiguous(), after.flatten()))
    score = torch.compile(network) if options.get("compiled") else network

    def step(at):
        source, target, after = batches[at % len(batches)]
        # Keras and this project add epsilon to the root that is not corrected; here it is corrected.
        optimizer.param_groups[0]["eps"] = 1e-7 / math.sqrt(1 - 0.999 ** (at + 1))
        optimizer.zero_grad()
        loss = loss_of(score(source, target), after)
        loss.backward()
        optimizer.step()
        return loss.item()

    serve(step, version=torch.__version__)


def decoder_of(network, source, beam):
    """What scores subwords after the last ones of all hypotheses, [rows · beam, subwords], and goes on from those that are chosen. The beams of a sentence share its memory."""
    memory, keys, *states = network.encode(source)
    rows = source.shape[1]
    h, c = (state.repeat_interleave(beam, 0) for state in states)
    vector = h.new_zeros(rows * beam, network.width)

    def scores(tokens, chosen=None):
        nonlocal h, c, vector
        if chosen is not None:
            h, c, vector = (state.index_select(0, chosen) for state in (h, c, vector))
        said = network.subwords(tokens)
        h, c = network.decoder(torch.cat((said, vector), 1) if network.feeding else said, (h, c))
        vector = network.attend(h.view(rows, beam, -1), memory, keys).flatten(0, 1)
        scored = network.subwords.scores(vector)
        whole = scored.logsumexp(1)
        # Padding and START never come.
        scored[:, :END] = -math.inf
        return scored, whole

    return scores


def greedy_batch(network, source, most):
    """The log-probabilities of the likeliest subwords, [rows]."""
    scores, rows = decoder_of(network, source, 1), source.shape[1]
    tokens, total, done = torch.full((rows,), START), torch.zeros(rows), torch.zeros(rows, dtype=torch.bool)
    for step in range(most + 1):
        scored, whole = scores(tokens)
        best, tokens = scored.max(1)
        counts = ~done if step < most else ~done & (tokens == END)
        total += torch.where(counts, best - whole, 0.0)
        done |= tokens == END
        if done.all():
            break
    return total


def beam_batch(network, source, most, beam):
    """The log-probabilities of the best translations, [rows]. The penalty of a length is the length."""
    scores, rows = decoder_of(network, source, beam), source.shape[1]
    tokens, chosen = torch.full((rows * beam,), START), None
    # Before the first step all hypotheses of a sentence are the same: one counts.
    sums = torch.full((rows, beam), -math.inf)
    sums[:, 0] = 0.0
    first = beam * torch.arange(rows).unsqueeze(1)
    best, total = torch.full((rows,), -math.inf), torch.full((rows,), -math.inf)
    done = torch.zeros(rows, dtype=torch.bool)
    for step in range(most + 1):
        scored, whole = scores(tokens, chosen)
        likely, following = scored.topk(beam + 1, 1)
        ranked, places = (sums.view(-1, 1) + likely - whole.unsqueeze(1)).view(rows, -1).topk(2 * beam, 1)
        following = following.view(rows, -1).gather(1, places)
        ends = following == END
        # What ends among the first is finished.
        ended = torch.where(ends[:, :beam] & ~done.unsqueeze(1), ranked[:, :beam], -math.inf).max(1).values
        better = ended / (step + 1) > best
        best, total = torch.where(better, ended / (step + 1), best), torch.where(better, ended, total)
        if step == most:
            break
        going = torch.sort(ends, stable=True, dim=1).indices[:, :beam]
        sums = ranked.gather(1, going)
        done |= best >= sums[:, 0] / (step + 2)
        if done.all():
            break
        tokens = following.gather(1, going).flatten()
        chosen = (first + places.gather(1, going) // (beam + 1)).flatten()
    return torch.where(best.isinf(), sums[:, 0], total)


def write(job, options, weights):
    network, together = Network(job["task"], weights, "cell"), options["write"]
    most, beam = job["maxLength"], job.get("beamSize", 1)
    batch = partial(greedy_batch, most=most) if beam == 1 else partial(beam_batch, most=most, beam=beam)
    sources = torch.tensor(job["rows"]["source"]).t().contiguous().split(together, 1)

    def step(_):
        with torch.inference_mode():
            return torch.cat([batch(network, source) for source in sources]).mean().item()

    serve(step, version=torch.__version__)


def main():
    job, options = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")), json.loads(sys.argv[2])
    torch.set_num_threads(options["threads"])
    if options["flush"]:
        torch.set_flush_denormal(True)
    (write if "write" in options else train)(job, options, read_tensors(job["weights"]))


main()
