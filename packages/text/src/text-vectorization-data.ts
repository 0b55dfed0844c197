/** Saved `TextVectorization` layers: read from anywhere, checked before they are believed. */
import { shown, TextDataError } from "./errors.ts";
import { field, listField, settingsAt, stringsOf, wholeNumber } from "./saved-data.ts";
import {
  reservedNames,
  type TextVectorization,
  textVectorization,
  vectorizationOutputs,
} from "./text-vectorization.ts";
import { parseVectorizationRules } from "./vectorization-rules.ts";

/**
 * A layer from data of unknown origin, such as parsed JSON; throws `TextDataError` naming what is wrong.
 *
 * @example
 * const restored = parseTextVectorization(JSON.parse(JSON.stringify(layer)));
 */
export function parseTextVectorization(data: unknown): TextVectorization {
  const path = "vectorization";
  const version = field(data, path, "version");
  if (version !== 1) throw new TextDataError(`${path}.version`, `must be 1, got ${shown(version)}`);
  const mode = field(data, path, "outputMode");
  const outputMode = vectorizationOutputs.find((output) => output === mode);
  if (outputMode === undefined) {
    const known = vectorizationOutputs.map(shown).join(", ");
    throw new TextDataError(`${path}.outputMode`, `must be one of ${known}, got ${shown(mode)}`);
  }
  const orNull = <T>(name: string, read: (value: unknown, path: string) => T): T | null => {
    const value = field(data, path, name);
    return value === null ? null : read(value, `${path}.${name}`);
  };
  const rules = parseVectorizationRules(data, path);
  const maxTokens = orNull("maxTokens", (value, path) => wholeNumber(value, path, 1));
  const outputSequenceLength = orNull("outputSequenceLength", (value, path) => wholeNumber(value, path, 1));
  const tokens = orNull("vocabulary", (_, at) => stringsOf(listField(data, path, "vocabulary"), at));
  const idfWeights = orNull("idfWeights", (_, at) =>
    listField(data, path, "idfWeights").map((weight, id) => {
      if (typeof weight === "number" && Number.isFinite(weight)) return weight;
      throw new TextDataError(`${at}[${id}]`, `must be a finite number, got ${shown(weight)}`);
    }),
  );
  // With the reserved names in front, as the weights have theirs.
  const vocabulary = tokens === null ? null : [...reservedNames(outputMode), ...tokens];
  return settingsAt(path, () =>
    textVectorization({ ...rules, maxTokens, outputMode, outputSequenceLength, vocabulary, idfWeights }),
  );
}
