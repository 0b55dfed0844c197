/** Measures this project and others side by side: `pnpm bench:peers`; `--help` tells the options. */
import { readOptions } from "../options.ts";
import { CoreMeter } from "./cores.ts";
import { readReviews } from "./epoch.ts";
import { workFolder } from "./job.ts";
import { describeMachine, insert, markdownOf, type Section, writeResults } from "./report.ts";
import { denseStep, epoch, inference, productSections, type Setting, sweep } from "./sections.ts";

/** What the README shows comes first. */
const headlines = ["step", "epoch", "inference"] as const;
const parts = [...headlines, "products", "sweep"] as const;
const help = `pnpm bench:peers [options]
  --only <part>   one of ${parts.join(", ")}; may be repeated
  --full          every batch of the epoch and of the test reviews, in place of 60 of each
  --quick         few rounds and batches: to see that all works, not to measure
  --dry           writes no results
  --readme        puts the tables of ${headlines.join(", ")} between the marks in README.md too`;

const { values } = readOptions(help, {
  only: { type: "string", multiple: true },
  full: { type: "boolean", default: false },
  quick: { type: "boolean", default: false },
  dry: { type: "boolean", default: false },
  readme: { type: "boolean", default: false },
  help: { type: "boolean", default: false },
});

async function measureAll(): Promise<void> {
  const wanted = (part: (typeof parts)[number]): boolean => values.only === undefined || values.only.includes(part);
  const notes: string[] = [];
  const say = (line: string): void => {
    console.error(line);
    if (line.startsWith("left out")) notes.push(line);
  };
  const machine = describeMachine();
  if (machine.busy) say(`The machine is busy (load ${machine.load}): wait until it is quiet for figures to keep.`);
  await using folder = await workFolder();
  await using cores = await CoreMeter.start();
  const setting: Setting = {
    folder: folder.path,
    sample: values.full ? Number.MAX_SAFE_INTEGER : values.quick ? 10 : 60,
    rounds: values.quick ? 1 : 3,
    cores,
    say,
    disagree(line) {
      say(`DIFFERENT: ${line}`);
      notes.push(line);
      process.exitCode = 1;
    },
  };
  const sections: Section[] = [];
  const add = (section: Section): void => {
    sections.push(section);
    say(markdownOf(machine, [section], []).split("\n").slice(2).join("\n"));
  };
  let torchThreads = 1;
  if (wanted("step")) {
    const dense = await denseStep(setting);
    torchThreads = dense.torchThreads;
    add(dense.section);
  }
  if (wanted("epoch") || wanted("inference")) {
    const reviews = await readReviews();
    if (wanted("epoch")) add(await epoch(setting, reviews, torchThreads));
    if (wanted("inference")) add(await inference(setting, reviews));
  }
  const shown = [...sections];
  if (wanted("products")) for (const section of await productSections(setting)) add(section);
  if (wanted("sweep")) add(await sweep(setting));
  const left = [...new Set(notes)];
  const markdown = markdownOf(machine, sections, left);
  console.log(markdown);
  if (values.dry) return;
  await writeResults({ machine, date: new Date().toISOString().slice(0, 10), sections, notes: left }, markdown);
  const excerpt = markdownOf(machine, shown, left);
  if (values.readme && !(await insert(new URL("../../../README.md", import.meta.url), excerpt)))
    say("README.md has no marks to put the tables between");
}

const unknown = values.only?.find((part) => !parts.some((known) => known === part));
if (values.help) console.log(help);
else if (unknown !== undefined) {
  console.error(`--only ${unknown}: there is no such part\n${help}`);
  process.exitCode = 2;
} else await measureAll();
