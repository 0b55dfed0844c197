"""Writes translation-scores.json: what sacreBLEU 2.6 makes of texts of many languages, of awkward ones and of random pairs.

pip install sacrebleu==2.6.0 regex numpy; python make_translation_scores.py > translation-scores.json
"""
import json
import logging
import os
import random

from sacrebleu.metrics import BLEU, CHRF
from sacrebleu.version import __version__

logging.disable(logging.WARNING)
assert __version__.startswith("2.6"), __version__

BLEU_NAMES = {
    "lowercase": "lowercase",
    "tokenize": "tokenize",
    "smoothMethod": "smooth_method",
    "smoothValue": "smooth_value",
    "maxNgramOrder": "max_ngram_order",
    "effectiveOrder": "effective_order",
}
CHRF_NAMES = {
    "charOrder": "char_order",
    "wordOrder": "word_order",
    "beta": "beta",
    "lowercase": "lowercase",
    "whitespace": "whitespace",
    "epsSmoothing": "eps_smoothing",
}
TOKENIZERS = ["13a", "intl", "char", "zh", "none"]
SMOOTHINGS = [
    {"smoothMethod": "exp"},
    {"smoothMethod": "floor"},
    {"smoothMethod": "floor", "smoothValue": 0.005},
    {"smoothMethod": "add-k"},
    {"smoothMethod": "add-k", "smoothValue": 0.25},
    {"smoothMethod": "none"},
]

# What is written, and its references.
ROWS = {
    "German": ("Ein Hund läuft über die grüne Wiese.", ["Der Hund rennt über eine grüne Wiese.", "Ein Hund läuft auf der Wiese."]),
    "English": ("A man in an orange hat starring at something.", ["A man in an orange hat staring at something."]),
    "French": ("L'homme qu'il a vu s'est assis : « non ! »", ["L’homme qu’il a vu était assis : « Non ! »"]),
    "Spanish": ("¿Dónde está el niño? ¡Aquí!", ["¿Dónde está la niña? ¡Está aquí!"]),
    "Turkish, with a dotted capital": ("İstanbul'da IŞIK var.", ["istanbul'da ışık var."]),
    "Greek, with a final sigma": ("Ο ΟΔΥΣΣΕΥΣ γύρισε σπίτι.", ["Ο Οδυσσεύς γύρισε στο σπίτι."]),
    "Russian": ("Собака бежит по траве — быстро.", ["Собака бежит по зелёной траве – очень быстро."]),
    "Chinese": ("一个穿橙色帽子的男人,在看东西。", ["一名戴着橙色帽子的男子正盯着某物看。"]),
    "Chinese beyond the basic plane": ("𠮷野家在2020年开业(第3家)。", ["𠮷野家于2020年开张(第3店)。"]),
    "Japanese": ("犬が緑の芝生の上を走っている。", ["一匹の犬が、緑の芝生を走っています。"]),
    "Korean": ("개가 푸른 잔디 위를 달린다.", ["개 한 마리가 푸른 잔디 위를 달리고 있다."]),
    "Thai": ("สุนัขวิ่งบนหญ้าสีเขียว", ["สุนัขกำลังวิ่งบนสนามหญ้าสีเขียว"]),
    "Arabic": ("الكلب يركض على العشب، أليس كذلك؟", ["يركض الكلب على العشب الأخضر، أليس كذلك؟"]),
    "Hebrew": ("הכלב רץ על הדשא.", ["כלב רץ על הדשא הירוק."]),
    "Hindi": ("कुत्ता घास पर दौड़ रहा है।", ["एक कुत्ता हरी घास पर दौड़ रहा है।"]),
    "emoji": ("Party 🎉🎉 with 👩‍👩‍👧 and 🇩🇪!", ["Party 🎉 with 👩‍👧 and 🇩🇪 !"]),
    "marks of many scripts": ("a–b—c…d„e“f‚g‘h‹i›j、k。l·m¡n§o", ["a–b — c… d „e“ f ‚g‘ h ‹i› j、k。 l·m ¡n §o"]),
    "symbols": ("5€ + 3$ = ½ ± 10% © 2020 ™ → x² ≤ y", ["5 € + 3 $ = ½ ± 10 % © 2020 → x² < y"]),
    "numbers": ("1,000.50 and 3.14, 2-3, -5, 1.2.3, 10% .5 5. ,7 ٣٫١٤ Ⅳ.", ["1,000.5 and 3.14 , 2 - 3, - 5, 1.2.3 , 10 % 0.5 5 . 7 ٣٫١ Ⅳ"]),
    "entities": ("&quot;A &amp; B&quot; &lt;i&gt; &amp;lt; &amp;quot; &apos; &#39;", ['"A & B" <i> < " \' \'']),
    "tags that are skipped": ("so <skipped> it goes -\nover lines\nand on", ["so it goes over lines and on"]),
    "white space": ("\u00a0 a\u2003b\u2028c\u0085d\u001ce\ufefff\tg\u200bh \r\n", ["a b c d e f g h", "a b\ufeffc \u3000"]),
    "tokens": ("Don 't stop , he said .", ["Don't stop, he said."]),
    "hyphens and periods": ("... well-known -- e.g. a.b.c., x-1 1-x --5 .,.,", ["well - known – e.g. a.b.c. x -1 1- x"]),
    "brackets": ("(hi) [there] {you} ((x)) !? ?!? 'q' `r` ~ ^_^", ["( hi ) [ there ] { you } ( x ) !? 'q' ~"]),
    "an empty text": ("", ["Something stands here."]),
    "an empty reference": ("Something stands here.", [""]),
    "nothing at all": ("", [""]),
    "white space alone": (" \t ", ["\n"]),
    "an empty reference beside another": ("yes", ["", "yes, yes"]),
    "one word": ("Hello", ["Hello"]),
    "one word, another": ("Hello", ["Goodbye"]),
    "one character": ("a", ["b", "a"]),
    "two words": ("Good day", ["Good day"]),
    "alike": ("The very same sentence, word for word.", ["The very same sentence, word for word."]),
    "nothing in common": ("aaa bbb ccc ddd eee", ["vvv www xxx yyy zzz"]),
    "too short": ("The dog", ["The dog runs over the green grass in the sun."]),
    "too long": ("The the the the the the the the the the", ["The dog is the best."]),
    "references of several lengths": ("a b c d e f", ["a b c d", "a b c d e f g h", "f e d c b a", "a b c d e"]),
    "capitals": ("THE DOG RUNS.", ["the dog runs."]),
    "accents in two forms": ("cafe\u0301 na\u00efve", ["caf\u00e9 nai\u0308ve"]),
}
RUNS = {
    "corpus": list(ROWS),
    "corpus of one reference": [name for name, (_, references) in ROWS.items() if len(references) == 1],
    "corpus of empty texts": ["an empty text", "nothing at all"],
}


def metric(kind, names, options):
    return kind(**{names[name]: value for name, value in options.items()})


def bleu(options, written, references, bootstrap=1):
    made = metric(BLEU, BLEU_NAMES, options)
    score = made.corpus_score(written, columns(references), n_bootstrap=bootstrap)
    return made, score


def columns(references):
    """References by their numbers, as sacreBLEU wants them: None where a row has fewer."""
    most = max(len(row) for row in references)
    return [[row[i] if i < len(row) else None for row in references] for i in range(most)]


def bleu_figures(options, written, references):
    made, score = bleu(options, written, references)
    return {
        "options": options,
        "score": score.score,
        "precisions": score.precisions,
        "brevityPenalty": score.bp,
        "writtenLength": score.sys_len,
        "referenceLength": score.ref_len,
        "line": score.format(signature=str(made.get_signature())),
    }


def chrf_figures(options, written, references):
    made = metric(CHRF, CHRF_NAMES, options)
    score = made.corpus_score(written, columns(references))
    return {"options": options, "score": score.score, "line": score.format(signature=str(made.get_signature()))}


BLEU_OPTIONS = [
    *({"tokenize": tokenize, "lowercase": lowercase} for tokenize in TOKENIZERS for lowercase in (False, True)),
    *({**smoothing, "effectiveOrder": effective} for smoothing in SMOOTHINGS for effective in (False, True)),
    {"maxNgramOrder": 2},
    {"maxNgramOrder": 6, "tokenize": "char"},
]
CHRF_OPTIONS = [
    {},
    {"wordOrder": 2},
    {"wordOrder": 1, "charOrder": 3},
    {"charOrder": 0, "wordOrder": 2},
    {"lowercase": True},
    {"whitespace": True},
    {"epsSmoothing": True},
    {"epsSmoothing": True, "wordOrder": 2, "whitespace": True},
    {"beta": 1},
    {"beta": 3, "wordOrder": 2},
]

# Of one row the scores by all options; of corpora all figures.
rows = [
    {
        "name": name,
        "written": written,
        "references": references,
        "bleu": [bleu({"effectiveOrder": True, **options}, [written], [references])[1].score for options in BLEU_OPTIONS],
        "chrf": [chrf_figures(options, [written], [references])["score"] for options in CHRF_OPTIONS],
    }
    for name, (written, references) in ROWS.items()
]
corpora = [
    {
        "name": name,
        "rows": members,
        "bleu": [bleu_figures(options, [ROWS[m][0] for m in members], [ROWS[m][1] for m in members]) for options in BLEU_OPTIONS],
        "chrf": [chrf_figures(options, [ROWS[m][0] for m in members], [ROWS[m][1] for m in members]) for options in CHRF_OPTIONS],
    }
    for name, members in RUNS.items()
]

# Random texts of pieces that the rules care for.
PIECES = [
    *"aabbcdeE01259", *"  \t", *".,-!?'\"()&;:/<>[]{}~^_`|@#$%*+=\\", "the", "The", "dog", "&amp;", "&lt;", "&quot;", "<skipped>", "-\n", "\n",
    "é", "ß", "İ", "Σ", "ж", "中", "文", "。", "，", "𠮷", "ｱ", "あ", "한", "ا", "؟", "“", "”", "—", "…", "€", "½", "٣", "²", "🎉", "\u0301", "\u200b",
    "\u00a0", "\u2003", "\u2028", "\u0085", "\u001f", "\ufeff", "\u3000", "\u2a6d", "\u2a6e", "\u2000", "\u2f00",
]


def text(rng):
    return "".join(rng.choice(PIECES) + (" " if rng.random() < 0.3 else "") for _ in range(rng.randint(0, 24)))


def changed(rng, original):
    """With a few characters left out or put in."""
    out = []
    for character in original:
        if rng.random() < 0.1:
            continue
        out.append(character)
        if rng.random() < 0.06:
            out.append(rng.choice(PIECES))
    return "".join(out)


rng = random.Random(17)
pairs = []
for _ in range(1000):
    original = text(rng)
    references = [changed(rng, original) if rng.random() < 0.8 else text(rng) for _ in range(rng.choice([1, 1, 1, 2, 3]))]
    own = {"tokenize": rng.choice(TOKENIZERS), "lowercase": rng.random() < 0.5, "effectiveOrder": rng.random() < 0.5, **rng.choice(SMOOTHINGS)}
    other = {
        "wordOrder": rng.choice([0, 2]),
        "lowercase": rng.random() < 0.5,
        "whitespace": rng.random() < 0.5,
        "epsSmoothing": rng.random() < 0.3,
    }
    pairs.append(
        {
            "written": original,
            "references": references,
            "bleu": {"options": own, "score": bleu(own, [original], [references])[1].score},
            "chrf": {"options": other, "score": chrf_figures(other, [original], [references])["score"]},
        }
    )


def drawn(kind, names, options, count, seed):
    os.environ["SACREBLEU_SEED"] = str(seed)
    made = metric(kind, names, options)
    some = pairs[:count]
    score = made.corpus_score([p["written"] for p in some], columns([p["references"] for p in some]), n_bootstrap=200)
    return {
        "metric": kind.__name__,
        "options": options,
        "rows": count,
        "seed": seed,
        "mean": float(score._mean),
        "margin": float(score._ci),
        "line": score.format(signature=str(made.get_signature())),
    }


confidences = [
    drawn(BLEU, BLEU_NAMES, {}, 100, 12345),
    drawn(BLEU, BLEU_NAMES, {"lowercase": True}, 37, 4294967295),
    drawn(CHRF, CHRF_NAMES, {"wordOrder": 2}, 64, 12345),
    drawn(CHRF, CHRF_NAMES, {}, 1, 0),
]
everything = {"bleuOptions": BLEU_OPTIONS, "chrfOptions": CHRF_OPTIONS, "rows": rows, "corpora": corpora, "pairs": pairs, "confidences": confidences}
print(json.dumps(everything, separators=(",", ":")))
