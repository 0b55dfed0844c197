/** How a table of the user's turned out to be written: told, where it is not as everybody expects. */
import type { Output } from "@ostinato/app";
import type { TableForm } from "@ostinato/datasets";

const delimiterNames: Readonly<Record<string, string>> = { ",": "commas", ";": "semicolons", "\t": "tabs" };
const usual: Readonly<Record<string, string>> = { csv: ",", tsv: "\t" };
const shownPlaces = 5;

/** An event for a table of any kind; a line on standard error for one with something that was found out. */
export function tellForm(form: TableForm | undefined, path: string | undefined, output: Output): void {
  if (form === undefined) return;
  output.event({ event: "table", ...form });
  if (form.format === "jsonl") return;
  const { format, delimiter, header, backslashEscapes, strayQuotes } = form;
  const found = [
    ...(delimiter === usual[format]
      ? []
      : [`${delimiterNames[delimiter] ?? JSON.stringify(delimiter)} between fields`]),
    ...(header ? [] : ["no names in the first row"]),
    ...(backslashEscapes ? ['\\" for a quote within quotes'] : []),
    ...(strayQuotes.length === 0 ? [] : [`a quote that nothing closes in ${places(strayQuotes)}`]),
  ];
  if (found.length > 0) output.warn(`--data ${path}: read with ${found.join("; ")}`);
}

function places(quotes: readonly { readonly line: number; readonly column: number }[]): string {
  const shown = quotes.slice(0, shownPlaces).map(({ line, column }) => `line ${line}, column ${column}`);
  return quotes.length > shownPlaces ? `${shown.join("; ")}; … (${quotes.length} in all)` : shown.join("; ");
}
