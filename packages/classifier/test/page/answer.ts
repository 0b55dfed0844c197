/** What a page does with a classifier: bundled by the test, and run without Node.js's modules and globals. */
import { textClassifier } from "@ostinato/classifier";

/** The answers to texts of a model whose file has these bytes. */
export async function answer(bytes: Uint8Array, texts: readonly string[]) {
  await using classifier = await textClassifier(bytes);
  return classifier.classify(texts);
}
