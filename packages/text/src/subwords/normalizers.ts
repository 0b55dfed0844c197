/** What is done to a text before it is cut into subwords. */
import { booleanField, field, stringField } from "../saved-data.ts";
import { type Normalizer, type Pattern, unicodeForms } from "./format.ts";
import { contentField, parseSequence, textReplacement, unknownPart } from "./part-data.ts";
import { expressionOf, knownPattern, stripped } from "./patterns.ts";
import { lowercased, normalized } from "./unicode.ts";

/** A normalizer from data of unknown origin; throws `TextDataError` for one that is not known. */
export function parseNormalizer(data: unknown, path: string, depth = 0): Normalizer {
  const type = stringField(data, path, "type");
  const form = unicodeForms.find((form) => form === type);
  if (form !== undefined) return { type: form };
  switch (type) {
    case "Sequence":
      return { type, normalizers: parseSequence(data, path, "normalizers", depth, parseNormalizer) };
    case "Lowercase":
      return { type };
    case "Strip":
      return {
        type,
        strip_left: booleanField(data, path, "strip_left"),
        strip_right: booleanField(data, path, "strip_right"),
      };
    case "Prepend":
      return { type, prepend: contentField(data, path, "prepend") };
    case "Replace":
      return { type, ...parseReplacement(data, path) };
    default:
      throw unknownPart("normalizer", type, path);
  }
}

/** What is replaced, and by what. */
function parseReplacement(data: unknown, path: string): { pattern: Pattern; content: string } {
  const pattern = field(data, path, "pattern");
  const regex = field(pattern, `${path}.pattern`, "Regex");
  if (regex === undefined) return textReplacement(data, path);
  // All expressions that are known match one character or more.
  return {
    pattern: { Regex: knownPattern(regex, `${path}.pattern.Regex`) },
    content: contentField(data, path, "content", 1),
  };
}

/** What a normalizer makes of a text. */
export function normalizing(normalizer: Normalizer | null): (text: string) => string {
  if (normalizer === null) return (text) => text;
  switch (normalizer.type) {
    case "Sequence": {
      const steps = normalizer.normalizers.map(normalizing);
      return (text) => steps.reduce((made, step) => step(made), text);
    }
    case "Lowercase":
      return lowercased;
    case "Strip":
      return (text) => stripped(text, normalizer.strip_left, normalizer.strip_right);
    case "Prepend":
      return (text) => (text === "" ? "" : normalizer.prepend + text);
    case "Replace": {
      const { pattern, content } = normalizer;
      const replaced = "String" in pattern ? pattern.String : expressionOf(pattern.Regex);
      return (text) => text.replaceAll(replaced, () => content);
    }
    default:
      return (text) => normalized(text, normalizer.type);
  }
}
