/** An app as plain data, its commands and their options; runs one command and tells the exit code. */
import { type Argument, Command, CommanderError, type Option } from "commander";
import { exitCodes, explain } from "./failures.ts";
import { Interruption } from "./interruption.ts";
import { jsonOption } from "./options.ts";
import { createOutput, type Output, type Streams } from "./output.ts";

/** Where texts come from when there are none among the arguments. */
export type Input = AsyncIterable<Uint8Array> & { readonly isTTY?: boolean };

/** The streams of a process. */
export interface Environment extends Streams {
  readonly stdin: Input;
}

/** How a training may be stopped, and the command that goes on with it. */
export interface Stopping {
  readonly interruption: Interruption;
  readonly resumeCommand: string;
}

/** What a command works with beside its options. */
export interface CommandContext {
  readonly output: Output;
  readonly stdin: Input;
  readonly stopping: Stopping;
  /** The arguments that are no options. */
  readonly texts: readonly string[];
  /** The names of the options that the command line has; the others have their defaults. */
  readonly given: ReadonlySet<string>;
}

/** One command. */
export interface AppCommand {
  readonly name: string;
  /** One line in lower case; `--help` begins with it. */
  readonly summary: string;
  readonly options: readonly Option[];
  /** What `--help` says after the options. */
  readonly help?: string;
  readonly argument?: Argument;
  /** `options` is what the options above make, without `--json`. */
  run(options: never, context: CommandContext): Promise<void>;
}

/** A command-line program. */
export interface App {
  /** As npm's script is called: `npm run NAME -- …`. It stands in front of every error. */
  readonly name: string;
  /** What `--help` begins with. */
  readonly overview: string;
  readonly commands: readonly AppCommand[];
}

const endingsOf = (name: string) => `
Relative paths start where npm was called. With --json, scripts read events from standard output, one JSON object a line;
npm's own lines stay away with: npm run -s ${name} -- …
Exit codes: 0 done, 1 it did not succeed, 2 wrong use, 130 Ctrl-C, 143 SIGTERM.`;

/** Runs the command line `args` (without the program's name). Never throws: what goes wrong is told on standard error. */
export async function runApp(app: App, args: readonly string[], environment: Environment): Promise<number> {
  let output: Output | undefined;
  // A reader of the help that goes away (`| head`) wanted no more. What else may happen to standard output is told by the output of a command.
  environment.stdout.on("error", () => {});
  const open = (json: boolean): Output => {
    output = createOutput(environment, { name: app.name, json });
    return output;
  };
  using interruption = new Interruption({
    onHeld: () => {
      output?.close();
      environment.stderr.write(`\n${app.name}: stopping after this step; once more ends at once\n`);
    },
    onEnd: (code) => {
      output?.close();
      environment.stderr.write(`\n${app.name}: interrupted; no file was left half written\n`);
      process.exit(code);
    },
  });
  const program = programOf(app, open, environment, { interruption, resumeCommand: resumeCommandOf(app.name, args) });
  try {
    await program.parseAsync(args.length === 0 ? ["--help"] : args, { from: "user" });
    return (await output?.written()) === false ? exitCodes.failed : exitCodes.done;
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return exitCodes.done;
    output?.close();
    const { message, code } = explain(error);
    environment.stderr.write(`${app.name}: ${message}${dashHint(args, error)}\n`);
    return code;
  }
}

/** What to do about a text for `predict` that was taken for an option. */
function dashHint([command]: readonly string[], error: unknown): string {
  const unknown = error instanceof CommanderError && error.code === "commander.unknownOption";
  return unknown && command === "predict" ? '; a text that begins with "-" goes behind "--": predict -- "-text"' : "";
}

/** The command line that goes on where this one has stopped, as a shell reads it. */
function resumeCommandOf(name: string, args: readonly string[]): string {
  const quoted = args.map((arg) => (/^[\w./:=@%+-]+$/.test(arg) ? arg : `'${arg.replaceAll("'", "'\\''")}'`));
  const kept = quoted.filter((arg) => arg !== "--overwrite" && arg !== "--resume");
  return [`npm run ${name} --`, ...kept, "--resume"].join(" ");
}

function programOf(
  { name, overview, commands }: App,
  open: (json: boolean) => Output,
  { stdin, stdout }: Environment,
  stopping: Stopping,
): Command {
  const program = new Command(name)
    .description(overview)
    .exitOverride()
    // Errors are told in one line by `runApp`.
    .configureOutput({ writeOut: (text) => void stdout.write(text), writeErr: () => {}, outputError: () => {} })
    .configureHelp({ helpWidth: 120 })
    .helpOption("-h, --help", "this help")
    .addHelpText("after", endingsOf(name));

  for (const { name, summary, options, help, argument, run } of commands) {
    const command = program
      .command(name)
      .summary(summary)
      .description(`${summary[0]?.toUpperCase()}${summary.slice(1)}.`);
    for (const option of [...options, jsonOption()]) command.addOption(option);
    if (argument !== undefined) command.addArgument(argument);
    if (help !== undefined) command.addHelpText("after", help);
    command.action(async () => {
      const { json, ...given } = command.opts();
      const texts = command.processedArgs.flat() as string[];
      const said = Object.keys(given).filter((name) => command.getOptionValueSource(name) === "cli");
      await run(given as never, { output: open(json === true), stdin, stopping, texts, given: new Set(said) });
    });
  }
  return program;
}
