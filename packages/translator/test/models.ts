/** A small translator, trained in a moment: letters to their names, from the last to the first. */
import { wasm } from "@ostinato/backend-wasm";
import {
  adam,
  attention,
  bidirectional,
  compile,
  embedding,
  encoderDecoder,
  lstm,
  type Model,
  reversibleEmbedding,
  sparseCategoricalCrossentropy,
  type Trained,
  teacherForcing,
} from "@ostinato/core";
import {
  endId,
  idCount,
  startId,
  type TokenKind,
  type TranslatorVocabulary,
  textEncoder,
  translatorMetadata,
  translatorVocabulary,
} from "@ostinato/translator";

const names: Readonly<Record<string, string>> = { a: "alfa", b: "bravo", c: "charlie" };
const letters = Object.keys(names);

/** All texts of one to three letters. */
export const texts = [1, 2, 3]
  .reduce<string[][]>(
    (lists) => [...lists, (lists.at(-1) as string[]).flatMap((text) => letters.map((letter) => text + letter))],
    [[""]],
  )
  .flat()
  .slice(1);

/** What is right for a text. */
export const right = (text: string): string =>
  Array.from(text, (letter) => names[letter])
    .reverse()
    .join(" ");

const vocabularyOf = (tokens: TokenKind): TranslatorVocabulary =>
  translatorVocabulary(
    { sources: texts, targets: texts.map(right) },
    { source: { tokens, lowercase: true, ...(tokens === "subwords" ? { maxTokens: 270 } : {}) } },
  );

function network({ source, target }: TranslatorVocabulary): Model {
  return encoderDecoder({
    sourceEmbedding: embedding({ inputDim: idCount(source), outputDim: 6, maskZero: true }),
    targetEmbedding: embedding({ inputDim: idCount(target), outputDim: 6, maskZero: true }),
    encoder: [lstm({ units: 16 })],
    decoder: [lstm({ units: 16 })],
    attention: attention({ scoreMode: "general" }),
    attentionUnits: 16,
  });
}

/** With one matrix for source, target and output, and a decoder whose steps read what those before made of their attention. */
function tiedNetwork({ target }: TranslatorVocabulary): Model {
  const table = reversibleEmbedding({
    inputDim: idCount(target),
    outputDim: 24,
    maskZero: true,
    embeddingsInitializer: { kind: "normal", mean: 0, stddev: 0.5 },
  });
  return encoderDecoder({
    sourceEmbedding: table,
    targetEmbedding: table,
    encoder: [bidirectional(lstm({ units: 12 }))],
    decoder: [lstm({ units: 24 })],
    attention: attention({ scoreMode: "general" }),
    inputFeeding: true,
  });
}

async function trainedFor(
  epochs: number,
  vocabulary: TranslatorVocabulary,
  made: (vocabulary: TranslatorVocabulary) => Model = network,
  batchSize = 13,
): Promise<Trained> {
  await using trainer = await compile(made(vocabulary), {
    backend: await wasm({ threads: 1 }),
    loss: sparseCategoricalCrossentropy(),
    optimizer: adam({ learningRate: 0.03 }),
    seed: 1,
  });
  const [sources, targets] = [textEncoder(vocabulary.source)(texts), textEncoder(vocabulary.target)(texts.map(right))];
  const rows = teacherForcing(sources, targets, { start: startId, end: endId });
  if (epochs > 0) await trainer.fit(rows, { epochs, batchSize });
  const metadata = translatorMetadata({ maxSourceLength: 12, maxTargetLength: 10 });
  return trainer.snapshot({ vocabulary, metadata });
}

/** With its first weights. */
export const untrained = (tokens: TokenKind = "characters"): Promise<Trained> => trainedFor(0, vocabularyOf(tokens));

/** One vocabulary of subwords for both sides. */
const sharedVocabulary = (): TranslatorVocabulary =>
  translatorVocabulary(
    { sources: texts, targets: texts.map(right) },
    { shared: { tokens: "subwords", maxTokens: 290, lowercase: true } },
  );

/** With its first weights, and one vocabulary of subwords for both sides. */
export const untrainedShared = (): Promise<Trained> => trainedFor(0, sharedVocabulary());

/** Subwords, tied embeddings, attention and input feeding: what sentences are translated with. Right for most texts. */
export const tied = (): Promise<Trained> => trainedFor(8, sharedVocabulary(), tiedNetwork, 5);

/** Right for all texts. */
export const trained = (): Promise<Trained> => trainedFor(40, vocabularyOf("characters"));
