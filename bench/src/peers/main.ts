/** Measures this project and others side by side: `pnpm bench:peers`; `--help` tells the options. */
import { CoreMeter } from "./cores.ts";
import { type Reviews, readReviews } from "./epoch.ts";
import { workFolder } from "./job.ts";
import { highest, measurePeaks, peakHint } from "./limits.ts";
import { circumstances, thisProcessor } from "./machine.ts";
import { headlines, parts } from "./parts/index.ts";
import type { Setting } from "./parts/setting.ts";
import { defaultPythons, inspectPython, missingLibraries, type Python } from "./pythons.ts";
import { tableOf } from "./report.ts";
import { help, type Request, readRequest } from "./request.ts";
import { allResults, type Part, readResults, withPart, writeResults } from "./results.ts";
import { insert, summaryOf } from "./summary.ts";

const order = [...parts.keys()];
const say = (line: string): void => console.error(line);

/** A mistake on the command line: one line, and exit code 2. */
function refuse(reason: string): never {
  say(`${reason} (--help tells the options)`);
  process.exit(2);
}

function requested(): Request {
  try {
    return readRequest(process.argv.slice(2));
  } catch (error) {
    return refuse(error instanceof Error ? error.message : String(error));
  }
}

async function openPythons(paths: readonly string[]): Promise<Python[]> {
  if (paths.length === 0) return defaultPythons();
  const found: Python[] = [];
  for (const path of paths) {
    found.push((await inspectPython(path)) ?? refuse(`--python ${path}: this is not a Python interpreter`));
  }
  return found;
}

async function writeReadme(): Promise<void> {
  const summary = summaryOf(await allResults(), headlines);
  if (!(await insert(new URL("../../../README.md", import.meta.url), summary)))
    say("README.md has no marks to put the table between");
}

async function measure({ parts: wanted, full, quick, dry, readme, pythons: paths }: Request): Promise<void> {
  const pythons = await openPythons(paths);
  const processor = await thisProcessor();
  const around = await circumstances();
  if (around.busy) say(`The machine is busy (load ${around.load}): wait until it is quiet for figures to keep.`);
  await using folder = await workFolder();
  await using cores = await CoreMeter.start();
  const peaks = await measurePeaks(folder.path);
  const missing = missingLibraries(pythons);
  if (peaks === undefined) missing.push(`left out: the peak of multiply-adds (${peakHint})`);
  for (const line of missing) say(line);
  let reviews: Promise<Reviews> | undefined;
  for (const name of wanted) {
    const notes: string[] = [];
    const setting: Setting = {
      folder: folder.path,
      pythons,
      quick,
      sample: full ? Number.MAX_SAFE_INTEGER : quick ? 4 : 40,
      rounds: quick ? 1 : 9,
      peak: highest(peaks),
      cores,
      say(line) {
        say(line);
        if (line.startsWith("left out")) notes.push(line);
      },
      disagree(line) {
        say(`DIFFERENT: ${line}`);
        notes.push(line);
        process.exitCode = 1;
      },
    };
    const since = performance.now();
    const readOnce = (): Promise<Reviews> => {
      reviews ??= readReviews();
      return reviews;
    };
    const sections = await parts.get(name)?.(setting, readOnce);
    if (sections === undefined) continue;
    console.log(sections.flatMap(tableOf).join("\n"));
    say(`${name}: ${((performance.now() - since) / 1000).toFixed(0)} s`);
    const left = [...new Set([...missing, ...notes])];
    const part: Part = { ...around, sections, notes: left, ...(peaks === undefined ? {} : { peaks }) };
    // After each part, so that a run that is ended keeps what it has.
    if (!dry) await writeResults(withPart(await readResults(processor), processor, name, part), order);
  }
  if (readme) await writeReadme();
}

const request = requested();
if (request.help) console.log(help);
else if (request.tables) {
  for (const results of await allResults()) await writeResults(results, order);
  await writeReadme();
} else await measure(request);
