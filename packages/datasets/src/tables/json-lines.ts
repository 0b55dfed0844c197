/** Rows of JSONL files: one JSON object on each line. */
import { DatasetFormatError, MissingColumnError } from "../errors.ts";
import { type Columns, listed, longestRow, type VisitRow } from "./columns.ts";
import { withNewlines } from "./delimited-row.ts";
import { textPieces } from "./text-pieces.ts";

/** Visits every object; blank lines are passed over. Throws `DatasetFormatError` naming the line. */
export async function readJsonLines(path: string, columns: Columns, visit: VisitRow): Promise<void> {
  let line = 0;
  for await (const text of linesOf(path)) {
    line += 1;
    if (text.trim() !== "") visit({ ...rowOf(path, columns, text, line), line });
  }
}

// Not node:readline, which also ends a line at U+2028, a character that JSON text may hold.
async function* linesOf(path: string): AsyncGenerator<string> {
  let rest = "";
  let lines = 0;
  for await (const text of textPieces(path)) {
    const ended = text.lastIndexOf("\n");
    if (ended === -1) rest += text;
    else {
      for (const line of (rest + text.slice(0, ended)).split("\n")) {
        lines += 1;
        yield line;
      }
      rest = text.slice(ended + 1);
    }
    if (rest.length > longestRow) throw new DatasetFormatError(path, `line ${lines + 1} is longer than 16 MiB`);
  }
  yield rest;
}

const wholeObjects = 'JSONL has one whole object on each line, such as {"text": "…", "label": "…"}';

function rowOf(path: string, columns: Columns, json: string, line: number): { text: string; label: string } {
  let object: unknown;
  try {
    object = JSON.parse(json);
  } catch (error) {
    const why = /\b(NaN|Infinity)\b/.test(json) ? "JSON has no NaN and no Infinity" : wholeObjects;
    throw new DatasetFormatError(path, `line ${line} is not JSON; ${why}`, { cause: error });
  }
  if (typeof object !== "object" || object === null || Array.isArray(object)) {
    throw new DatasetFormatError(path, `line ${line} is not a JSON object; ${wholeObjects}`);
  }
  const field = (name: string): unknown => {
    if (Object.hasOwn(object, name)) return Reflect.get(object, name);
    const problem = `line ${line} has no field ${JSON.stringify(name)}, only ${listed(Object.keys(object))}`;
    throw new MissingColumnError(path, name, problem, "name another one with textColumn and labelColumn");
  };
  const text = field(columns.text);
  if (typeof text !== "string") throw new DatasetFormatError(path, `line ${line}: ${columns.text} is not a string`);
  const label = field(columns.label);
  if (typeof label !== "string" && typeof label !== "number" && typeof label !== "boolean") {
    throw new DatasetFormatError(path, `line ${line}: ${columns.label} is no string, number, true or false`);
  }
  return { text: withNewlines(text), label: String(label) };
}
