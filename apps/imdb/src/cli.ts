/** The commands and their options; runs one and tells the exit code. */
import { Argument, Command, CommanderError } from "commander";
import { type EvaluateOptions, evaluate } from "./commands/evaluate.ts";
import { type ExportOptions, exportModel } from "./commands/export.ts";
import { type InfoOptions, info } from "./commands/info.ts";
import { type Input, type PredictOptions, predict } from "./commands/predict.ts";
import { start } from "./commands/start.ts";
import { type Stopping, train } from "./commands/train.ts";
import { exitCodes, explain } from "./failures.ts";
import { Interruption } from "./interruption.ts";
import {
  infoOptions,
  jsonOption,
  modelOption,
  onnxFileOption,
  runtimeOption,
  type TrainOptions,
  testOptions,
  trainOptions,
} from "./options.ts";
import { createOutput, type Output, type Streams } from "./output.ts";

export interface Environment extends Streams {
  readonly stdin: Input;
}

type Json = { readonly json?: true };

const overview = `Train, evaluate, use and export a classifier of movie reviews: an embedding, recurrent layers and one sigmoid.

A first way through:
  npm run imdb -- train --limit 2000 --epochs 2     two minutes' worth of training, into runs/imdb
  npm run imdb -- evaluate                          accuracy, ROC AUC, confusion matrix on 25,000 test reviews
  npm run imdb -- predict "A quiet, wonderful film."
  npm run imdb -- export                            an ONNX file, checked against onnxruntime`;

const endings = `
Relative paths start where npm was called. With --json, scripts read events from standard output, one JSON object a line;
npm's own lines stay away with: npm run -s imdb -- …
Exit codes: 0 done, 1 it did not succeed, 2 wrong use, 130 Ctrl-C, 143 SIGTERM.`;

const examples = {
  train: `
Examples:
  npm run imdb -- train                                  the default preset, 5 epochs, into runs/imdb
  npm run imdb -- train --preset article --out runs/article
  npm run imdb -- train --limit 500 --epochs 1 --units 16 --out runs/small --json
  npm run imdb -- train --cell gru --layers 2 --units 32 --dropout 0.2 --out runs/gru
  npm run imdb -- train --backend tfjs-wasm --limit 500 --out runs/tfjs   the same model on TensorFlow.js
  npm run imdb -- train --data tickets.csv --text-column message --label-column queue --out runs/tickets

The folder gets model.safetensors (vocabulary inside): the weights after the epoch with the best validation loss, which stand in
best.safetensors as soon as there are any; history.json, and loss and accuracy as .svg and .png. The same seed gives the same bytes of each.
One training at a time writes to a folder; one that is there already is not touched without --resume or --overwrite.

Ctrl-C saves checkpoint.safetensors after the running step; the same command with --resume goes on exactly from there, and
after a crash from the last checkpoint.`,
  evaluate: `
Loss, accuracy, exact ROC AUC, the confusion matrix, and precision, recall and F1 of each class; the ROC curve goes into the
model's folder as roc.svg and roc.png. With more than two classes: macro averages in place of AUC and ROC curve.

A model of your own data is tested with the part of it that training has not seen, a fifth; --data names another file, of
which all rows are used.`,
  predict: `
Examples:
  npm run imdb -- predict "A quiet, wonderful film." "Two hours I will not get back."
  npm run imdb -- predict --backend onnx < reviews.txt   one review a line
  npm run -s imdb -- predict --json < reviews.txt        {"text":…,"probability":…,"label":"positive",
                                                         "probabilities":{"negative":…,"positive":…}} a line

The probability is that of "positive", the second of two classes; of more, that of the class which is named. A text that is
empty, or of which the model knows no word, gets no label. One that begins with "-" goes behind "--".`,
  export: `
onnxruntime computes 1,000 test reviews, at batch sizes and lengths that training has not seen; unless all probabilities
agree within 1e-5 nothing is written and the exit code is 1. For a model of your own data, which need not be at hand, they
are texts of words drawn from its vocabulary, and the limit is 1e-4.

Beside model.onnx stands model.json: labels, vocabulary and settings, for runtimes that know nothing of this app.`,
} as const;

/** Runs the command line `args` (without the program's name). Never throws: what goes wrong is told on standard error. */
export async function run(args: readonly string[], environment: Environment): Promise<number> {
  let output: Output | undefined;
  const open = ({ json }: Json): Output => {
    output = createOutput(environment, json ?? false);
    return output;
  };
  using interruption = new Interruption({
    onHeld: () => {
      output?.close();
      environment.stderr.write("\nimdb: stopping after this step; once more ends at once\n");
    },
    onEnd: (code) => {
      output?.close();
      environment.stderr.write("\nimdb: interrupted; no file was left half written\n");
      process.exit(code);
    },
  });
  const program = programOf(open, environment, { interruption, resumeCommand: resumeCommandOf(args) });
  try {
    await program.parseAsync(args.length === 0 ? ["--help"] : args, { from: "user" });
    return (await output?.written()) === false ? exitCodes.failed : exitCodes.done;
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return exitCodes.done;
    output?.close();
    const { message, code } = explain(error);
    environment.stderr.write(`imdb: ${message}${dashHint(args, error)}\n`);
    return code;
  }
}

/** What to do about a text for `predict` that was taken for an option. */
function dashHint([command]: readonly string[], error: unknown): string {
  const unknown = error instanceof CommanderError && error.code === "commander.unknownOption";
  return unknown && command === "predict" ? '; a text that begins with "-" goes behind "--": predict -- "-text"' : "";
}

/** The command line that goes on where this one has stopped, as a shell reads it. */
function resumeCommandOf(args: readonly string[]): string {
  const quoted = args.map((arg) => (/^[\w./:=@%+-]+$/.test(arg) ? arg : `'${arg.replaceAll("'", "'\\''")}'`));
  const kept = quoted.filter((arg) => arg !== "--overwrite" && arg !== "--resume");
  return ["npm run imdb --", ...kept, "--resume"].join(" ");
}

function programOf(open: (json: Json) => Output, { stdin, stdout }: Environment, stopping: Stopping): Command {
  const program = new Command("imdb")
    .description(overview)
    .exitOverride()
    // Errors are told in one line by `run`.
    .configureOutput({ writeOut: (text) => void stdout.write(text), writeErr: () => {}, outputError: () => {} })
    .configureHelp({ helpWidth: 120 })
    .helpOption("-h, --help", "this help")
    .addHelpText("after", endings);

  const add = (name: string, summary: string, options: readonly Parameters<Command["addOption"]>[0][]): Command => {
    const command = program
      .command(name)
      .summary(summary)
      .description(`${summary[0]?.toUpperCase()}${summary.slice(1)}.`);
    for (const option of [...options, jsonOption()]) command.addOption(option);
    return command;
  };

  add("train", "train a model and draw its curves", trainOptions(5))
    .addHelpText("after", examples.train)
    .action((options: TrainOptions & Json) => train(withoutJson(options), open(options), stopping));
  add("evaluate", "test a model on texts that it has not seen", testOptions())
    .addHelpText("after", examples.evaluate)
    .action((options: EvaluateOptions & Json) => evaluate(options, open(options)));
  add("predict", "tell the label of texts: what a review makes of its film", [modelOption(), runtimeOption()])
    .addArgument(new Argument("[text...]", "texts; without any, one a line on standard input"))
    .addHelpText("after", examples.predict)
    .action((texts: readonly string[], options: PredictOptions & Json) =>
      predict(texts, options, open(options), stdin),
    );
  add("export", "write a model as ONNX, checked against onnxruntime", [modelOption(), onnxFileOption()])
    .addHelpText("after", examples.export)
    .action((options: ExportOptions & Json) => exportModel(options, open(options)));
  add("info", "show the data, its split, lengths and vocabulary", infoOptions()).action((options: InfoOptions & Json) =>
    info(options, open(options)),
  );
  add("start", "train five epochs, evaluate and export: what npm start runs", trainOptions(5)).action(
    (options: TrainOptions & Json) => start(withoutJson(options), open(options), stopping),
  );
  return program;
}

function withoutJson({ json: _, ...options }: TrainOptions & Json): TrainOptions {
  return options;
}
