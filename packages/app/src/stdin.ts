/** Texts from standard input, one a line, as they come. */
import type { Input } from "./app.ts";
import { FailureError } from "./failures.ts";
import { ForeignEncodingError, type Line, LineTooLongError, lineBatches } from "./lines.ts";
import type { Output } from "./output.ts";

const longestLine = 64 * 2 ** 20;

/**
 * Hands on the lines of standard input in the batches in which they come, until it ends or nobody reads the answers any more. `noun` names one of
 * the texts, `nouns` many; whoever types them is told so, and broken bytes are noted.
 *
 * Throws `FailureError` for input that is no text.
 */
export async function answerLines(
  input: Input,
  { noun, nouns }: { readonly noun: string; readonly nouns: string },
  output: Output,
  answer: (lines: readonly Line[]) => Promise<void>,
): Promise<void> {
  if (input.isTTY) output.note(`One ${noun} a line; Ctrl-D ends.`);
  let seen = 0;
  let hint = " (if it is Latin-1, convert it: iconv -f WINDOWS-1252 -t UTF-8)";
  try {
    for await (const lines of lineBatches(input, longestLine)) {
      for (const { number } of lines.filter((line) => !line.valid)) {
        output.warn(`line ${number} is not valid UTF-8; its broken bytes are read as U+FFFD${hint}`);
        hint = "";
      }
      seen += lines.length;
      await answer(lines);
      if (output.closed) return;
    }
  } catch (error) {
    if (error instanceof LineTooLongError || error instanceof ForeignEncodingError)
      throw new FailureError(error.message, { cause: error });
    throw error;
  }
  if (seen === 0) output.warn(`no ${nouns} on standard input`);
}
