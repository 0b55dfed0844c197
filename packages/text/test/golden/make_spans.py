"""Writes spans.json: random tags and what CoNLL's conlleval makes of them.

Follows the rules of conlleval (Tjong Kim Sang and Buchholz 2000; the script of the CoNLL-2000 shared task), token by token, with its own
counters; E and S as in its later versions for IOBES. Nothing is needed but Python: python3 make_spans.py > spans.json
"""
import json
import random


def split(tag):
    if tag == "O":
        return "O", ""
    place, kind = tag.split("-", 1)
    return place, kind


def end_of_chunk(prev, tag, prev_type, kind):
    if prev == "E" or prev == "S":
        return True
    if prev == "B" and tag in ("B", "S", "O"):
        return True
    if prev == "I" and tag in ("B", "S", "O"):
        return True
    return prev != "O" and prev_type != kind


def start_of_chunk(prev, tag, prev_type, kind):
    if tag == "B" or tag == "S":
        return True
    if prev in ("E", "S", "O") and tag in ("E", "I"):
        return True
    return tag != "O" and prev_type != kind


def evaluate(gold, said):
    correct, found, there = {}, {}, {}

    def add(counts, kind):
        counts[kind] = counts.get(kind, 0) + 1

    for right, guess in zip(gold, said):
        in_correct = False
        last = {"right": ("O", ""), "guess": ("O", "")}
        for a, b in list(zip(right, guess)) + [("O", "O")]:
            (ca, ta), (cb, tb) = split(a), split(b)
            (pa, pta), (pb, ptb) = last["right"], last["guess"]
            end_a, end_b = end_of_chunk(pa, ca, pta, ta), end_of_chunk(pb, cb, ptb, tb)
            start_a, start_b = start_of_chunk(pa, ca, pta, ta), start_of_chunk(pb, cb, ptb, tb)
            if in_correct:
                if end_a and end_b and ptb == pta:
                    in_correct = False
                    add(correct, pta)
                elif end_a != end_b or tb != ta:
                    in_correct = False
            if start_a and start_b and tb == ta:
                in_correct = True
            if start_a:
                add(there, ta)
            if start_b:
                add(found, tb)
            last = {"right": (ca, ta), "guess": (cb, tb)}

    def scores(c, f, t):
        precision = c / f if f else 0
        recall = c / t if t else 0
        f1 = 2 * precision * recall / (precision + recall) if c else 0
        return {"precision": precision, "recall": recall, "f1": f1, "correct": c, "found": f, "support": t}

    kinds = sorted(set(there) | set(found))
    types = {k: scores(correct.get(k, 0), found.get(k, 0), there.get(k, 0)) for k in kinds}
    return {**scores(sum(correct.values()), sum(found.values()), sum(there.values())), "types": types}


def draw(rng, places, kinds, length):
    return [rng.choice(["O", "O", *(f"{p}-{k}" for p in places for k in kinds)]) for _ in range(length)]


rng = random.Random(1)
cases = []
for places, kinds in [("BI", "AB"), ("I", "AB"), ("BIES", "AB"), ("BI", "ABC")]:
    for _ in range(3):
        gold = [draw(rng, places, kinds, rng.randint(1, 12)) for _ in range(8)]
        # Half right: a tag of its own here and there.
        said = [[t if rng.random() < 0.7 else d for t, d in zip(s, draw(rng, places, kinds, len(s)))] for s in gold]
        cases.append({"tags": gold, "said": said, "report": evaluate(gold, said)})
print(json.dumps(cases, separators=(",", ":")))
