/** Labels to class ids and back, as scikit-learn's `LabelEncoder`. */
import { compareCodePoints } from "./code-points.ts";
import { shown, TextDataError, TextOptionError, UnknownIdError, UnknownLabelError } from "./errors.ts";
import { listField, requireDistinct, settingsAt } from "./saved-data.ts";

/** The name of a class. */
export type Label = string | number;

/** Plain, frozen JSON data: the id of a label is its place in `classes`. */
export type LabelEncoder<L extends Label = Label> = {
  /** Distinct labels, sorted: numbers by value, strings by code point. */
  readonly classes: readonly L[];
};

/**
 * The encoder of the labels that occur (scikit-learn's `fit`). Labels are all strings or all numbers.
 *
 * @example
 * const encoder = labelEncoder(["positive", "negative", "positive"]); // classes: negative, positive
 * encodeLabels(encoder, ["positive"]); // Int32Array [1]
 */
export function labelEncoder<L extends Label>(labels: Iterable<L>): LabelEncoder<L> {
  if (typeof labels === "string") throw new TextOptionError("labels", "be a list of labels", labels);
  const classes = [...new Set(labels)];
  for (const label of classes) {
    if (!isLabel(label) || typeof label !== typeof classes[0]) {
      throw new TextOptionError("labels", "be all strings or all finite numbers", label, wayOut(label));
    }
  }
  return Object.freeze({ classes: Object.freeze(classes.sort(compareLabels)) });
}

/** The class id of each label; throws `UnknownLabelError` for one that the encoder does not know. */
export function encodeLabels<L extends Label>(encoder: LabelEncoder<L>, labels: Iterable<L>): Int32Array {
  requireEncoder(encoder);
  if (typeof labels === "string") throw new TextOptionError("labels", "be a list of labels", labels);
  const ids = new Map<Label, number>(encoder.classes.map((label, id) => [label, id]));
  return Int32Array.from(labels, (label) => {
    const id = ids.get(label);
    if (id === undefined) throw new UnknownLabelError(label, encoder.classes);
    return id;
  });
}

/** The label of each class id; throws `UnknownIdError` for an id without a class. */
export function decodeLabels<L extends Label>(encoder: LabelEncoder<L>, ids: Iterable<number>): L[] {
  requireEncoder(encoder);
  return Array.from(ids, (id) => {
    const label = encoder.classes[id];
    if (label === undefined) throw new UnknownIdError("label encoder", id, encoder.classes.length);
    return label;
  });
}

/** An encoder from data of unknown origin, such as a model file; throws `TextDataError` naming what is wrong. */
export function parseLabelEncoder(data: unknown): LabelEncoder {
  const path = "labelEncoder";
  const classes = listField(data, path, "classes").map((label, id) => {
    if (isLabel(label)) return label;
    throw new TextDataError(`${path}.classes[${id}]`, `must be a string or a finite number, got ${shown(label)}`);
  });
  requireDistinct(classes, `${path}.classes`);
  const encoder = settingsAt(`${path}.classes`, () => labelEncoder(classes));
  const moved = classes.findIndex((label, id) => label !== encoder.classes[id]);
  if (moved !== -1) throw new TextDataError(`${path}.classes[${moved}]`, `is out of order: ${shown(classes[moved])}`);
  return encoder;
}

function requireEncoder(encoder: unknown): void {
  if (typeof encoder === "object" && encoder !== null && "classes" in encoder && Array.isArray(encoder.classes)) return;
  throw new TextOptionError("encoder", "be what labelEncoder(labels) or parseLabelEncoder(data) gave", encoder);
}

function wayOut(label: unknown): string {
  if (label === null || label === undefined || Number.isNaN(label)) return "leave out rows without a label";
  return typeof label === "object" ? "name each class by a string" : "labels.map(String) makes them strings";
}

function isLabel(value: unknown): value is Label {
  return typeof value === "string" || (typeof value === "number" && Number.isFinite(value));
}

function compareLabels(a: Label, b: Label): number {
  if (typeof a === "number" && typeof b === "number") return a - b;
  return compareCodePoints(String(a), String(b));
}
