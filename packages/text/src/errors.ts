/** Typed errors of this package: each names the option or value, and the way out. */

/** The base of every error that this package throws on purpose. */
export class TextError extends Error {
  override readonly name: string = "TextError";
}

/** An option or argument has a value that cannot work. */
export class TextOptionError extends TextError {
  override readonly name = "TextOptionError";
  readonly option: string;

  /** `rule` completes the sentence "<option> must …"; `way` says what to do. */
  constructor(option: string, rule: string, value: unknown, way?: string) {
    super(`${option} must ${rule}, got ${shown(value)}${way === undefined ? "" : `; ${way}`}`);
    this.option = option;
  }
}

/** Saved data (a vocabulary, a tokenizer, a label encoder) is not what it claims to be. */
export class TextDataError extends TextError {
  override readonly name = "TextDataError";
  /** Where in the data, such as `vocabulary.words[3]`. */
  readonly path: string;

  constructor(path: string, problem: string) {
    super(`${path} ${problem}`);
    this.path = path;
  }
}

/** A label was not among those that the encoder was made from. */
export class UnknownLabelError extends TextError {
  override readonly name = "UnknownLabelError";
  readonly label: string | number;
  readonly known: readonly (string | number)[];

  constructor(label: string | number, known: readonly (string | number)[]) {
    const some = known.slice(0, 20).map(shown).join(", ");
    const rest = known.length > 20 ? `, … (${known.length} in all)` : "";
    super(`label ${shown(label)} was not seen when the encoder was made; known labels: ${some}${rest}`);
    this.label = label;
    this.known = known;
  }
}

/** An id lies outside the vocabulary or the classes it was looked up in. */
export class UnknownIdError extends TextError {
  override readonly name = "UnknownIdError";
  readonly id: number;
  /** The number of ids: valid ones are 0 to `size - 1`. */
  readonly size: number;

  constructor(what: string, id: number, size: number) {
    super(`${what}: id ${id} is outside 0 to ${size - 1}`);
    this.id = id;
    this.size = size;
  }
}

/**
 * Refuses options that there are not, such as `maxlen` for `maxLength`: they would count for nothing.
 *
 * @param known every option there is, as a record that the compiler holds against the type
 */
export function refuseUnknown(owner: string, options: object, known: Readonly<Record<string, true>>): void {
  for (const [name, value] of Object.entries(options)) {
    if (Object.hasOwn(known, name)) continue;
    throw new TextOptionError(name, `be left out: ${owner} takes ${Object.keys(known).join(", ")}`, value);
  }
}

/** A value as a short piece of an error message. */
export function shown(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}…` : value);
  if (Array.isArray(value)) return `an array of ${value.length}`;
  if (typeof value === "object" && value !== null) return "an object";
  if (typeof value === "bigint") return `the bigint ${value}n`;
  return typeof value === "function" ? "a function" : String(value);
}
