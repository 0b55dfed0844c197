/** Trains each cell on each task: `pnpm bench:cells [--task parity] [--cell lstm] [--seeds 3]`; writes results/cells.*. */
import { wasm } from "@ostinato/backend-wasm";
import { readOptions } from "../options.ts";
import { contenders } from "./contenders.ts";
import { keepRun, writeTables } from "./report.ts";
import { tasks } from "./tasks.ts";
import { train } from "./train.ts";

const help = `pnpm bench:cells [options]
  --task <name>   ${Object.keys(tasks).join(" or ")}; may be repeated; default both
  --cell <name>   ${Object.keys(contenders).join(", ")}; may be repeated; default all
  --seeds <n>     seeds 1 to n; default 3
  --tables        writes the tables from the results that are there
Results of a task, cell and seed take the place of earlier ones; others stay.`;
const { values } = readOptions(help, {
  task: { type: "string", multiple: true, default: Object.keys(tasks) },
  cell: { type: "string", multiple: true, default: Object.keys(contenders) },
  seeds: { type: "string" },
  tables: { type: "boolean", default: false },
  help: { type: "boolean", default: false },
});
if (values.help) {
  console.log(help);
  process.exit();
}
const cells = Object.keys(contenders);
const wrong = [
  ...values.task.filter((name) => !(name in tasks)),
  ...values.cell.filter((name) => !cells.includes(name)),
];
if (wrong.length > 0 || !/^([1-9]\d*)?$/.test(values.seeds ?? "")) {
  console.error(`there is no ${wrong[0] ?? `number of seeds ${values.seeds}`}\n${help}`);
  process.exit(2);
}

for (const name of values.tables ? [] : (values.task as (keyof typeof tasks)[])) {
  const task = tasks[name];
  for (const cell of values.cell) {
    for (let seed = 1; seed <= Number(values.seeds ?? task.seeds); seed++) {
      const backend = await wasm({ threads: 1 });
      const trained = await train(task, contenders[cell] as (typeof contenders)[string], { backend, seed });
      keepRun({ task: name, cell, seed, ...trained }, cells);
      console.error(name, cell, seed, JSON.stringify(trained.figures));
    }
  }
}
console.log(writeTables(cells));
