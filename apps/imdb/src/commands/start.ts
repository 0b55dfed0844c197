/** `start`: the whole way once, which is what `npm start` runs. */
import { type Output, plainForm, type Stopping, shownDuration } from "@ostinato/app";
import type { TrainOptions } from "../options.ts";
import type { DataOptions } from "../reviews.ts";
import { evaluate } from "./evaluate.ts";
import { exportModel } from "./export.ts";
import { train } from "./train.ts";

export async function start(
  options: TrainOptions,
  output: Output,
  stopping: Stopping,
  given: ReadonlySet<string>,
): Promise<void> {
  const { out: model, backend, limit } = options;
  const begin = performance.now();
  output.say("1. Train\n");
  await train(options, output, stopping, given);
  output.say("\n2. Evaluate\n");
  await evaluate({ model, backend, ...(limit === undefined ? {} : { limit }), ...dataOf(options) }, output);
  output.say("\n3. Export to ONNX\n");
  await exportModel({ ...plainForm, model }, output);
  const where = options.out;
  output.say(
    [
      `\nDone in ${shownDuration((performance.now() - begin) / 1000)}; everything is in ${where}.`,
      "",
      "What to try next:",
      '  npm run imdb -- predict "A quiet, wonderful film."',
      "  npm run imdb -- predict --backend onnx < reviews.txt",
      "  npm run imdb -- train --units 64 --patience 2 --out runs/small",
      "  npm run imdb -- train --preset article --out runs/article",
      "  npm run imdb -- --help",
    ].join("\n"),
  );
}

/** What of the options names the data. */
function dataOf({ data, textColumn, labelColumn }: TrainOptions): DataOptions {
  return {
    ...(data === undefined ? {} : { data }),
    ...(textColumn === undefined ? {} : { textColumn }),
    ...(labelColumn === undefined ? {} : { labelColumn }),
  };
}
