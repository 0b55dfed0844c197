"""Writes subwords.json: vocabularies of subwords, and what Hugging Face's tokenizers makes of texts with each.

The first two are trained by this package, which Node runs; the others are trained here, in the forms of other programs. Needs tokenizers (0.23.2 was
used) and Node 24: python make_subwords.py > subwords.json
"""
import json
import pathlib
import random
import subprocess

from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers, Regex

CORPUS = [
    "The quick brown fox jumps over the lazy dog; the dog doesn't mind, and sleeps.",
    "Two old houses are standing near many trees. Two old houses are empty.",
    "A woman in a green coat is sitting on a bench feeding the birds.",
    "Drei alte weiße Häuser stehen am Ufer in der Nähe vieler Bäume.",
    "Eine Frau in einem grünen Mantel sitzt auf einer Bank und füttert die Vögel.",
    "Mehrere Frauen mit Regenschirmen überqueren eine Straßenbahnhaltestelle.",
    "Übermäßig große Straßen, größere Straßen, die größten Straßen",
    "Ο άνθρωπος στέκεται στον δρόμο. Ο δρόμος είναι μακρύς, ΟΔΥΣΣΕΥΣ.",
    "Человек в синей рубашке стоит на лестнице и моет окно. Человек стоит.",
    "一个穿蓝色衬衫的男人站在梯子上擦窗户。一个男人站在窗户旁边。",
    "青いシャツを着た男性がはしごに立って窓を拭いている。男性が立っている。",
    "파란 셔츠를 입은 남자가 사다리에 서서 창문을 닦고 있다. 남자가 서 있다.",
    "رجل يرتدي قميصا أزرق يقف على سلم وينظف نافذة. رجل يقف على سلم.",
    "גבר בחולצה כחולה עומד על סולם ומנקה חלון. גבר עומד על סולם.",
    "مردی می‌خواهد پنجره را تمیز کند و می‌رود، می‌خواهد برود",
    "नीली कमीज़ में एक आदमी सीढ़ी पर खड़ा है और खिड़की साफ कर रहा है। आदमी खड़ा है।",
    "ผู้ชายใส่เสื้อสีฟ้ายืนอยู่บนบันไดและทำความสะอาดหน้าต่าง ผู้ชายยืนอยู่",
    "👩‍🔬 👩‍🔬 👨‍👩‍👧‍👦 👨‍👩‍👧‍👦 👍🏽 👍🏽 ❤️ ❤️ 🇩🇪 🇩🇪 1️⃣ 1️⃣ 😀😀😀",
    "1990, 1995, 2024: 3.14159 and 1,000,000; (see [1], [2]) <a@b.org> https://example.org/x?y=1&z=2",
    "e\u0301tude \u00e9tude cafe\u0301 caf\u00e9 \u1e69 s\u0323\u0307",
    "tabs\tand\nnew lines\r\nand   spaces\u00a0with\u3000width",
]

CASES = [
    "",
    " ",
    "\n\t \u3000",
    "a",
    "▁",
    "▁▁a▁ b",
    "<s>",
    "</s> <pad><unk> in a text",
    "<0x41><0xff><0xE2>",
    "<|endoftext|>a <|endoftext|> b<mask>  c  <mask>d NEW new",
    "   leading, trailing   ",
    "in\u0085two\u2028three\u2029four\u00a0five\u200bsix\ufeffseven\u1680eight",
    "\ufeffa byte order mark",
    "\u0000\u0001\u007f control \u009f",
    "e\u0301\u0301\u0301 \u0301a \u0345",
    "\u212b \u2126 \u212a \uac01 \u1100\u1161\u11a8 \ufb01 \u00bd \u3392 \uff21\uff22 \u00b4 \u1e9b\u0323",
    "İstanbul ıI ΣΑΣ Σ ΑΣ. ΌΣΟΣ ǅ ß ẞ K J\u030c \u210c",
    "👩‍🔬👩‍🔬👨‍👩‍👧‍👦👍🏽❤️🇩🇪🇩🇪🇫🇷1️⃣#️⃣😀 👩‍🚀 🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f 👋🏿",
    "क्षत्रिय नमस्ते कमीज़ खड़ा है",
    "می‌خواهد می‌رود a\u200db \u200c \u200d",
    "don't DON'T we'll I'M they've 'S 'ſ l'été rock'n'roll",
    # Marks and letters that Unicode got after version 9.
    "\u08d3\u0e49 a\u1aeb\u05a5 \u32ff \U000105d2\u0307 \U00016121\U0001611e \ua7f2 \U0001ccd6",
    "1234567890 ١٢٣ ½ ⅷ ² 1990s 3.14",
    "\U0001f600\ufe0f\U00010400\U0001e900\ufffd\uffff\U0010ffff\ue000",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    "Straßenstraßenstraßenstraßen",
    "ThisIsCamelCase and_this_is_not — “quotes” … «so» ¿qué?",
    "a\r\n\r\n  b \n c   \n\n   d\t\te  ",
    "x" * 300 + " " + "男人" * 100,
    "constructor __proto__ toString hasOwnProperty",
    "$& $1 $` $' \\ ^ $ . * + ? ( ) [ ] { } |",
]

REGEX_LLAMA3 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)


def random_texts(count):
    chance = random.Random(20261128)
    characters = sorted(set("".join(CORPUS + CASES)))
    blocks = [(0x20, 0x7F), (0xA0, 0x250), (0x300, 0x530), (0x590, 0x700), (0x900, 0xE80), (0x1100, 0x1200), (0x2000, 0x2700)]
    blocks += [(0x3000, 0x3100), (0x4E00, 0x4F00), (0xAC00, 0xAD00), (0xFB00, 0x10000), (0x1F1E6, 0x1F650), (0x10000, 0x11000)]
    words = [word for line in CORPUS for word in line.split(" ")] + ["<s>", "<mask>", "<|endoftext|>", "NEW"]
    texts = []
    for _ in range(count):
        text = ""
        for _ in range(chance.randint(1, 14)):
            kind = chance.random()
            if kind < 0.5:
                text += chance.choice(words) + " " * chance.choice([0, 1, 1, 1, 2])
            elif kind < 0.8:
                text += "".join(chance.choices(characters, k=chance.randint(1, 4)))
            else:
                text += chr(chance.randrange(*chance.choice(blocks)))
        texts.append(text)
    return texts


def trained_in_node(options):
    source = pathlib.Path(__file__).resolve().parents[2] / "src" / "index.ts"
    program = (
        f"import {{ subwordsFromTexts }} from {json.dumps(source.as_uri())};"
        f"console.log(JSON.stringify(subwordsFromTexts({json.dumps(CORPUS)}, {json.dumps(options)})));"
    )
    arguments = ["node", "--conditions=@ostinato/source", "--input-type=module", "-e", program]
    return json.loads(subprocess.run(arguments, check=True, capture_output=True).stdout)


def trained_here(model, size, **parts):
    tokenizer = Tokenizer(model)
    for name in ("normalizer", "pre_tokenizer", "decoder"):
        if name in parts:
            setattr(tokenizer, name, parts[name])
    alphabet = parts.get("alphabet", [])
    names = parts.get("names", ["<unk>"])
    suffix = {"end_of_word_suffix": parts["suffix"]} if "suffix" in parts else {}
    trainer = trainers.BpeTrainer(
        vocab_size=size, min_frequency=2, special_tokens=names, initial_alphabet=alphabet, show_progress=False, **suffix
    )
    tokenizer.train_from_iterator(CORPUS, trainer)
    return json.loads(tokenizer.to_str())


def gpt2():
    file = trained_here(
        models.BPE(),
        500,
        pre_tokenizer=pre_tokenizers.ByteLevel(add_prefix_space=True),
        decoder=decoders.ByteLevel(),
        alphabet=pre_tokenizers.ByteLevel.alphabet(),
        names=["<|endoftext|>"],
    )
    tokenizer = Tokenizer.from_str(json.dumps(file))
    tokenizer.add_special_tokens([AddedToken("<mask>", lstrip=True)])
    tokenizer.add_tokens(["NEW", AddedToken("NEWER", rstrip=True)])
    return json.loads(tokenizer.to_str())


def llama2():
    """The words of a text are not cut at all."""
    file = trained_here(
        models.BPE(unk_token="<unk>", byte_fallback=True, fuse_unk=True),
        700,
        pre_tokenizer=pre_tokenizers.Metaspace(),
        names=["<unk>", "<s>", "</s>"] + [f"<0x{byte:02X}>" for byte in range(256)],
    )
    file["added_tokens"] = [token for token in file["added_tokens"] if token["id"] < 3]
    # Files of other makers have lone marks as well.
    file["pre_tokenizer"] = None
    tokenizer = Tokenizer.from_str(json.dumps(file))
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    return json.loads(tokenizer.to_str())


def llama3():
    file = trained_here(
        models.BPE(ignore_merges=True),
        500,
        pre_tokenizer=pre_tokenizers.Sequence(
            [
                pre_tokenizers.Split(Regex(REGEX_LLAMA3), "isolated"),
                pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
            ]
        ),
        decoder=decoders.ByteLevel(),
        alphabet=pre_tokenizers.ByteLevel.alphabet(),
        names=["<s>"],
    )
    # Found whole, without merges.
    file["model"]["vocab"]["constructor"] = 500
    return file


def subword_nmt():
    return trained_here(
        models.BPE(unk_token="<unk>", fuse_unk=True, end_of_word_suffix="</w>"),
        500,
        normalizer=normalizers.Sequence([normalizers.NFC(), normalizers.Lowercase()]),
        pre_tokenizer=pre_tokenizers.WhitespaceSplit(),
        decoder=decoders.BPEDecoder("</w>"),
        suffix="</w>",
    )


def metaspace(scheme, split):
    """T5's and others' white space: the mark at the beginning of a text alone, added tokens between."""
    file = trained_here(
        models.BPE(unk_token="<unk>"),
        400,
        normalizer=normalizers.NFKC(),
        pre_tokenizer=pre_tokenizers.Metaspace(prepend_scheme=scheme, split=split),
        decoder=decoders.Metaspace(prepend_scheme=scheme, split=split),
        names=["<unk>", "<s>"],
    )
    tokenizer = Tokenizer.from_str(json.dumps(file))
    tokenizer.add_tokens([AddedToken("new", normalized=True)])
    return json.loads(tokenizer.to_str())


def main():
    own = {
        "own": {"maxTokens": 700},
        "own, lower, NFKC": {"maxTokens": 520, "lower": True, "unicode": "NFKC", "minCount": 3, "reserved": ["[PAD]"]},
    }
    files = {name: trained_in_node(options) for name, options in own.items()}
    files |= {
        "GPT-2": gpt2(),
        "Llama 2": llama2(),
        "Llama 3": llama3(),
        "subword-nmt": subword_nmt(),
        "Metaspace, first": metaspace("first", True),
        "Metaspace, never": metaspace("never", False),
    }
    texts = CASES + random_texts(90)
    cases = {}
    for name, file in files.items():
        tokenizer = Tokenizer.from_str(json.dumps(file))
        ids = [tokenizer.encode(text, add_special_tokens=False).ids for text in texts]
        cases[name] = {
            "options": own.get(name),
            "file": file,
            "ids": ids,
            "decoded": [tokenizer.decode(each) for each in ids],
            # Ids in any order, as a model may give them.
            "shuffled": [tokenizer.decode(each[::-1]) for each in ids],
        }
    print(json.dumps({"corpus": CORPUS, "texts": texts, "vocabularies": cases}, ensure_ascii=True, separators=(",", ":")))


main()
