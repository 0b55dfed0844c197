/** A vocabulary of subwords as data: the part of Hugging Face's `tokenizer.json` that this package reads and writes, in the words of that format. */

/**
 * A vocabulary of subwords: plain, frozen JSON data, which is a file `tokenizer.json` as it stands. `JSON.stringify` writes it, `parseSubwords` and
 * `subwordsFromFile` read it, and so does `Tokenizer.from_file` of Python's `tokenizers`.
 */
export type Subwords = {
  readonly version: "1.0";
  readonly truncation: null;
  readonly padding: null;
  /** Tokens that are found in a text before anything else is done to it. */
  readonly added_tokens: readonly AddedToken[];
  readonly normalizer: Normalizer | null;
  readonly pre_tokenizer: PreTokenizer | null;
  readonly post_processor: null;
  readonly decoder: Decoder | null;
  readonly model: SubwordModel;
};

/** A token that stands for itself wherever its name occurs in a text. */
export type AddedToken = {
  readonly id: number;
  readonly content: string;
  readonly single_word: false;
  /** Whether white space before it belongs to it. */
  readonly lstrip: boolean;
  /** Whether white space behind it belongs to it. */
  readonly rstrip: boolean;
  /** Whether it is looked for in the normalised text. */
  readonly normalized: boolean;
  /** Whether decoding leaves it out. */
  readonly special: boolean;
};

/** Byte-pair encoding: tokens, and which two of them become one, in the order in which that is tried. */
export type SubwordModel = {
  readonly type: "BPE";
  readonly dropout: null;
  /** What a character becomes that has no token; `null` leaves it out. */
  readonly unk_token: string | null;
  readonly continuing_subword_prefix: null;
  /** What the last character of a word ends with, as `</w>`. */
  readonly end_of_word_suffix: string | null;
  /** Whether unknown characters in a row become one token. */
  readonly fuse_unk: boolean;
  /** Whether a character without a token becomes the tokens of its bytes, `<0x00>` to `<0xFF>`. */
  readonly byte_fallback: boolean;
  /** Whether a word that is a token is taken as it is, merges or not. */
  readonly ignore_merges: boolean;
  readonly vocab: Readonly<Record<string, number>>;
  readonly merges: readonly (readonly [left: string, right: string])[];
};

/** The forms of Unicode's normalisation. */
export const unicodeForms = ["NFC", "NFD", "NFKC", "NFKD"] as const;
/** A form of Unicode's normalisation. */
export type UnicodeForm = (typeof unicodeForms)[number];

/** What is done to a text first. */
export type Normalizer =
  | { readonly type: "Sequence"; readonly normalizers: readonly Normalizer[] }
  | { readonly type: UnicodeForm }
  | { readonly type: "Lowercase" }
  | { readonly type: "Strip"; readonly strip_left: boolean; readonly strip_right: boolean }
  | { readonly type: "Prepend"; readonly prepend: string }
  | { readonly type: "Replace"; readonly pattern: Pattern; readonly content: string };

/** A text to look for, or one of the expressions in `patterns.ts`. */
export type Pattern = { readonly String: string } | { readonly Regex: string };

/** Where a space is written at the beginning that is not there. */
export type PrependScheme = (typeof prependSchemes)[number];
export const prependSchemes = ["always", "first", "never"] as const;

type Metaspace = {
  readonly type: "Metaspace";
  readonly replacement: string;
  readonly prepend_scheme: PrependScheme;
  readonly split: boolean;
};

type ByteLevel = {
  readonly type: "ByteLevel";
  readonly add_prefix_space: boolean;
  readonly trim_offsets: boolean;
  readonly use_regex: boolean;
};

/** How a text is cut into the pieces within which merges stay. */
export type PreTokenizer =
  | { readonly type: "Sequence"; readonly pretokenizers: readonly PreTokenizer[] }
  | Metaspace
  | ByteLevel
  | { readonly type: "WhitespaceSplit" }
  | {
      readonly type: "Split";
      readonly pattern: { readonly Regex: string };
      readonly behavior: "Isolated";
      readonly invert: false;
    };

/** How tokens become a text. */
export type Decoder =
  | { readonly type: "Sequence"; readonly decoders: readonly Decoder[] }
  | { readonly type: "Replace"; readonly pattern: { readonly String: string }; readonly content: string }
  | { readonly type: "ByteFallback" }
  | { readonly type: "Fuse" }
  | { readonly type: "Strip"; readonly content: string; readonly start: number; readonly stop: number }
  | Metaspace
  | ByteLevel
  | { readonly type: "BPEDecoder"; readonly suffix: string };
