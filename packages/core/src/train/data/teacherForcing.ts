/** Data of teacher forcing: what a decoder reads at each step, and what it is to say. */
import { ConfigError, DataError } from "../../errors.ts";
import { OptionReader, shown } from "../../nn/options.ts";
import type { Rows } from "./column.ts";
import { got, isList } from "./element.ts";

/** The tokens around each target. */
export interface TeacherForcingOptions {
  /** What a decoder reads first. */
  readonly start: number;
  /** What it says after the last token. */
  readonly end: number;
}

/** Labelled rows of a model of an encoder and a decoder. */
export interface TeacherForcingExamples {
  readonly x: { readonly source: Rows; readonly target: readonly Int32Array[] };
  readonly y: readonly Int32Array[];
}

/**
 * Examples for a model with the inputs `source` and `target`, as `encoderDecoder` makes it: of a target y1 … yn it reads start, y1 … yn, and is to say
 * y1 … yn, end (teacher forcing: Williams and Zipser 1989). Rows of x and y lie in one buffer, so that many of them are cheap.
 *
 * @param sources as `fit` takes them; they are handed on
 * @param targets a list of whole numbers a row, without start and end
 * @throws ConfigError for start or end that are no ids, 0, or the same; DataError with the row where a target is no list of ids, or has the end in it
 * @example await trainer.fit(teacherForcing(sources, targets, { start: 1, end: 2 }), { epochs: 10 });
 */
export function teacherForcing(
  sources: Rows,
  targets: readonly ArrayLike<number>[],
  options: TeacherForcingOptions,
): TeacherForcingExamples {
  const read = new OptionReader("teacherForcing", options, ["start", "end"]);
  const [start, end] = [read.integer("start", 1), read.integer("end", 1)];
  if (start === end) throw new ConfigError(`teacherForcing: start and end must be two tokens, both are ${start}`);
  if (!isList(targets)) throw new DataError(`teacherForcing: targets must be a list of rows, got ${shown(targets)}`);
  let size = 0;
  for (let row = 0; row < targets.length; row++) {
    if (!isList(targets[row]))
      throw new DataError(`teacherForcing: targets, row ${row}: a list of ids is wanted, got ${got(targets[row])}`);
    size += (targets[row] as ArrayLike<number>).length + 2;
  }
  const tokens = new Int32Array(size);
  const [target, y]: [Int32Array[], Int32Array[]] = [[], []];
  let at = 0;
  for (let row = 0; row < targets.length; row++) {
    const ids = targets[row] as ArrayLike<number>;
    const first = at;
    tokens[at++] = start;
    for (let i = 0; i < ids.length; i++) {
      const id = ids[i] as number;
      if (!Number.isInteger(id) || id < 0 || id >= 2 ** 31)
        throw new DataError(`teacherForcing: targets, row ${row}: an id is wanted at place ${i}, got ${got(id)}`);
      if (id === end)
        throw new DataError(
          `teacherForcing: targets, row ${row} has the end, ${end}, at place ${i}; give targets without it, it is put behind each`,
        );
      tokens[at++] = id;
    }
    tokens[at++] = end;
    target.push(tokens.subarray(first, at - 1));
    y.push(tokens.subarray(first + 1, at));
  }
  return { x: { source: sources, target }, y };
}
