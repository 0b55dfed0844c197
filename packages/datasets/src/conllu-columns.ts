/** The columns of CoNLL-U (https://universaldependencies.org/format.html). */

/** The ten columns, in their order. */
export const conlluColumns = [
  "ID",
  "FORM",
  "LEMMA",
  "UPOS",
  "XPOS",
  "FEATS",
  "HEAD",
  "DEPREL",
  "DEPS",
  "MISC",
] as const;

/** Numbers of lines that are no words of a sentence: several words that are written as one have a line of their own, and so have words that are not written at all. */
export const conlluRange = /^\d+[-.]\d+$/;
