/** Vocabularies of other programs: all formats of word lists, and invalid ones. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  adapt,
  encodeText,
  fitOnTexts,
  TextDataError,
  TextOptionError,
  textsToSequences,
  textVectorization,
  tokenizer,
  tokenizerToJson,
  vectorizeTexts,
  vocabularyFromFile,
  vocabularyFromJson,
  vocabularyFromTexts,
  vocabularyFromWords,
  vocabularySize,
} from "../src/index.ts";

const text = "The good film, the END.";

describe("lists and indexes", () => {
  test.each<[what: string, words: readonly string[] | Readonly<Record<string, number>>, ids: readonly number[]]>([
    ["padding and unknown", ["<pad>", "<unk>", "the", "film"], [2, 1, 3, 2, 1]],
    ["unknown words are padding", ["[UNK]", "the", "film"], [1, 0, 2, 1, 0]],
    ["without a name for unknown words they are left out", ["<pad>", "the", "film"], [1, 2, 1]],
    ["other reserved names", ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "the", "film"], [4, 1, 5, 4, 1]],
    ["capitals", ["<pad>", "<unk>", "The", "film", "END"], [2, 1, 3, 1, 4]],
    ["Keras's word index", { the: 1, film: 2 }, [1, 2, 1]],
    ["an index from 0 on", { "<pad>": 0, "<unk>": 1, the: 2, film: 3 }, [2, 1, 3, 2, 1]],
    ["an index in another order", { film: 3, the: 2, "<unk>": 1 }, [2, 1, 3, 2, 1]],
    ["an index after ids that no word has", { the: 4, film: 5 }, [4, 5, 4]],
  ])("%s", (_, words, ids) => {
    expect(encodeText(vocabularyFromWords(words), text)).toEqual(ids);
    expect(encodeText(vocabularyFromFile(JSON.stringify(words)), text)).toEqual(ids);
    if (Array.isArray(words)) {
      for (const end of ["\n", "\r\n"])
        expect(encodeText(vocabularyFromFile(`\uFEFF${words.join(end)}${end}`), text)).toEqual(ids);
    }
  });

  test("as in Keras: a tokenizer with and without oov_token, and get_vocabulary() of TextVectorization", () => {
    const texts = ["Don't say the film is good!", "the film, the end"];
    for (const oovToken of [null, "<OOV>"]) {
      const fitted = fitOnTexts(tokenizer({ oovToken }), texts);
      const expected = textsToSequences(fitted, [...texts, text]);
      const index = vocabularyFromWords(Object.fromEntries(fitted.wordIndex));
      expect([...texts, text].map((each) => encodeText(index, each))).toEqual(expected);
      const json = vocabularyFromFile(tokenizerToJson(fitted));
      expect([...texts, text].map((each) => encodeText(json, each))).toEqual(expected);
    }
    const layer = adapt(textVectorization(), texts);
    const list = vocabularyFromWords(["", "[UNK]", ...(layer.vocabulary ?? [])]);
    expect(encodeText(list, texts[0] as string)).toEqual([...vectorizeTexts(layer, [texts[0] as string]).data]);
  });

  test("of an index the first words, as Keras's num_words", () => {
    const fitted = fitOnTexts(tokenizer({ numWords: 4, oovToken: "[UNK]" }), [text, "the film"]);
    const index = JSON.stringify(Object.fromEntries(fitted.wordIndex));
    const cut = vocabularyFromFile(index, { maxTokens: 4 });
    expect(encodeText(cut, text)).toEqual(textsToSequences(fitted, [text])[0]);
    expect(vocabularySize(cut)).toBe(4);
    expect(vocabularySize(vocabularyFromFile(index))).toBe(6);
    expect(() => vocabularyFromFile(index, { maxTokens: 0 })).toThrow(TextOptionError);
    expect(() => vocabularyFromFile(index, { maxWords: 3 } as object)).toThrow(/maxWords must be left out/);
  });

  test("this library's own is what it was", () => {
    const vocabulary = vocabularyFromTexts([text, "version standardization words"]);
    expect(vocabularyFromFile(JSON.stringify(vocabulary))).toEqual(vocabulary);
    expect(vocabularyFromJson(vocabulary)).toEqual(vocabulary);
  });
});

describe("what is no vocabulary", () => {
  test.each([
    ["nothing", "", /contains no words/],
    ["an empty list", "[]", /contains no words/],
    ["an empty index", "{}", /contains no words/],
    ["a word for id 0", '["the","film"]', /assigns id 0 to "the"; rows are padded with id 0/],
    ["padding at another id", '["<unk>","<pad>","the"]', /has padding at an id other than 0/],
    ["an id twice", '{"the":1,"film":1}', /\["film"\] has the id 1, which is also the id of "the"/],
    ["a gap", '{"the":1,"film":3}', /has no word for the id 2/],
    ["ids from far above", '{"the":1000000000}', /has no word for the ids below 1000000000/],
    ["no ids", '{"the":"a"}', /must be an id/],
    ["negative ids", '{"the":-1}', /must be an id/],
    ["numbers", "[ 1, 2 ]", /must be a string, got 1/],
    ["a word twice", '["<pad>","the","the"]', /words\[1\] repeats/],
    ["broken JSON", '{"the": ', /is not JSON/],
  ])("%s", (_, file, message) => {
    expect(() => vocabularyFromFile(file)).toThrow(TextDataError);
    expect(() => vocabularyFromFile(file)).toThrow(message);
  });

  test("any text is a vocabulary or a TextDataError", () => {
    fc.assert(
      fc.property(fc.oneof(fc.json(), fc.string({ unit: "binary" })), (file) => {
        try {
          vocabularyFromFile(file);
        } catch (error) {
          expect(error).toBeInstanceOf(TextDataError);
        }
      }),
    );
  });
});
