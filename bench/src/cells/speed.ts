/** A training step of cells in `rnn` beside the native recurrences, and beside PyTorch's loops: `pnpm bench:cells-speed --python PATH`; writes results/cells-speed.*. */
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { readOptions } from "../options.ts";
import { Contestant, ContestantError, type Entry } from "../peers/contestant.ts";
import { thisProcessor } from "../peers/machine.ts";
import { contenders } from "./contenders.ts";

/** What a contestant is started with. */
export interface CellOptions {
  readonly cell: string;
  /** Rows, steps, features, units. */
  readonly sizes: readonly [batch: number, time: number, features: number, units: number];
}

const SIZES = [32, 100, 64, 64] as const;
const STEPS = 5;
const here = (file: string): string => fileURLToPath(new URL(file, import.meta.url));

function entryOf(
  who: string,
  command: string,
  args: readonly string[],
  options: CellOptions & { way?: string },
): Entry {
  const name = `${options.cell}: ${who}${options.way ? `, ${options.way}` : ""}`;
  return { peer: who, name, command, args: [...args, "-", JSON.stringify(options)], threads: 1 };
}

interface Measured {
  readonly cell: string;
  readonly who: string;
  readonly name: string;
  /** Milliseconds of processor time: the fastest quarter of the steps took no more. */
  readonly ms: number;
}

async function measure(entries: readonly Entry[], rounds: number): Promise<Measured[]> {
  await using running = new AsyncDisposableStack();
  const taking: { readonly contestant: Contestant; readonly ms: number[] }[] = [];
  for (const entry of entries) {
    try {
      const contestant = running.use(await Contestant.start(entry));
      await contestant.run(4 * STEPS);
      taking.push({ contestant, ms: [] });
    } catch (error) {
      if (!(error instanceof ContestantError)) throw error;
      console.error(`left out: ${entry.name} (${error.message})`);
    }
  }
  for (let round = 0; round < rounds; round++)
    for (const { contestant, ms } of taking) ms.push(...(await contestant.run(STEPS)).ms);
  return taking.map(({ contestant: { entry }, ms }) => ({
    cell: entry.name.split(":")[0] as string,
    who: entry.peer,
    name: entry.name,
    ms: Number((ms.toSorted((a, b) => a - b)[ms.length >> 2] as number).toFixed(2)),
  }));
}

if (import.meta.main) {
  const help = `pnpm bench:cells-speed [options]
  --python <path>  an interpreter with PyTorch; without it ours alone are measured
  --rounds <n>     default 20`;
  const { values } = readOptions(help, {
    python: { type: "string" },
    rounds: { type: "string", default: "20" },
    help: { type: "boolean", default: false },
  });
  if (values.help) {
    console.log(help);
    process.exit();
  }
  const node = ["--conditions=@ostinato/source", "--disable-warning=ExperimentalWarning"];
  const { python } = values;
  const ofTorch = python ? ["lstm", "peepholeLstm", "minGru"] : [];
  const results: Measured[] = [];
  for (const cell of Object.keys(contenders)) {
    const options = { cell, sizes: SIZES };
    const own = entryOf("Ostinato", process.execPath, [...node, here("../peers/contestants/own-cell.ts")], options);
    const torch = (ofTorch.includes(cell) ? ["eager", "script"] : []).map((way) =>
      entryOf("PyTorch", python as string, [here("../../peers/cells.py")], { ...options, way }),
    );
    results.push(...(await measure([own, ...torch], Number(values.rounds))));
    console.error(`measured: ${cell}`);
  }
  const fastestOf = (cell: string, who: string): Measured | undefined =>
    results.filter((one) => one.cell === cell && one.who === who).toSorted((a, b) => a.ms - b.ms)[0];
  const lstm = fastestOf("lstm", "Ostinato");
  const ratio = (a?: Measured, b?: Measured): string => (a && b ? (a.ms / b.ms).toFixed(2) : "");
  const { name, system } = await thisProcessor();
  const [batch, time, features, units] = SIZES;
  const markdown = [
    "# The speed of cells\n",
    `A training step, ${batch} × ${time} × ${features} → ${units} and a dense layer, on \`wasm()\`, and in PyTorch its own LSTM, and loops over a module, the faster of eager and TorchScript. One thread of ${name}, ${system}; milliseconds of processor time, the lower quartile of ${Number(values.rounds) * STEPS} steps in turns.\n`,
    "| cell | Ostinato | times the native lstm | PyTorch | times ours |",
    "| --- | --: | --: | --: | --: |",
    ...Object.keys(contenders).map((cell) => {
      const [ours, theirs] = [fastestOf(cell, "Ostinato"), fastestOf(cell, "PyTorch")];
      const shown = theirs ? `${theirs.ms} (${theirs.name.split(", ")[1]})` : "";
      return `| ${cell} | ${ours?.ms ?? ""} | ${ratio(ours, lstm)} | ${shown} | ${ratio(theirs, ours)} |`;
    }),
  ].join("\n");
  console.log(markdown);
  const file = (ending: string): URL => new URL(`../../results/cells-speed.${ending}`, import.meta.url);
  writeFileSync(file("json"), `${JSON.stringify({ sizes: SIZES, processor: name, results }, null, 1)}\n`);
  writeFileSync(file("md"), `${markdown}\n`);
}
