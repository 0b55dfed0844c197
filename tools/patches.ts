/** Applies each patch of `docs/patches` to a copy of the packages, counts the sources that it touches, and runs types and tests there. */
import { mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { copyPackages } from "./copy.ts";
import { inParallel, run } from "./process.ts";

interface Shown {
  readonly patch: string;
  /** What it adds, as tests name it. */
  readonly name: string;
  /** How many sources it may make and change; tests of its own are beside. */
  readonly makes: number;
  readonly changes: number;
  readonly tests: readonly string[];
}

/** The suite on two backends, gradients against central differences, and onnxruntime. */
const shared = [
  "packages/backend-cpu/test/conformance.test.ts",
  "packages/backend-wasm/test/conformance.test.ts",
  "packages/conformance/test/gradients.test.ts",
  "packages/onnx/test/ops.test.ts",
];

const list: readonly Shown[] = [
  {
    ...{ patch: "recurrence.patch", name: "mgu", makes: 1, changes: 1 },
    tests: [...shared, "packages/onnx/test/recurrence.test.ts"],
  },
  {
    ...{ patch: "elementwise-op.patch", name: "atan", makes: 0, changes: 6 },
    tests: [...shared, "packages/backend-tfjs/test/conformance.test.ts"],
  },
];

/** The packages that know ops, and the tests beside which the patches have theirs. */
const projects = [
  ...["core", "backend-cpu", "backend-wasm", "backend-tfjs", "onnx"].map(
    (name) => `packages/${name}/tsconfig.build.json`,
  ),
  "packages/conformance",
];

const root = join(import.meta.dirname, "..");
const patches = join(root, "docs", "patches");
const bin = (name: string): string => join(root, "node_modules", ".bin", name);
const isTest = (path: string): boolean => path.includes("/test/");

class PatchProblem extends Error {}

async function step(what: string, command: string, args: readonly string[], cwd: string): Promise<void> {
  const { code, output } = await run(command, args, cwd);
  if (code !== 0) throw new PatchProblem(`${what} (exit code ${code}):\n${output.trim()}`);
}

/** The files that a patch makes, and those that it changes. */
function filesOf(patch: string): { readonly made: string[]; readonly changed: string[] } {
  const diffs = readFileSync(join(patches, patch), "utf8")
    .split(/^diff --git /m)
    .slice(1);
  const paths = (isNew: boolean): string[] =>
    diffs.filter((diff) => /^new file mode/m.test(diff) === isNew).map((diff) => diff.match(/^a\/(\S+)/)?.[1] ?? "");
  return { made: paths(true), changed: paths(false) };
}

/** The tests that ran under `name` and passed, by their files. */
function filesPassed(report: string): string[] {
  const { testResults } = JSON.parse(readFileSync(report, "utf8")) as {
    readonly testResults: readonly {
      readonly name: string;
      readonly assertionResults: readonly { status: string }[];
    }[];
  };
  return testResults
    .filter((file) => file.assertionResults.some(({ status }) => status === "passed"))
    .map(({ name }) => name);
}

async function tryIn(copy: string, { patch, name, makes, changes, tests }: Shown): Promise<string> {
  const { made, changed } = filesOf(patch);
  const sources = { made: made.filter((path) => !isTest(path)), changed: changed.filter((path) => !isTest(path)) };
  if (sources.made.length > makes || sources.changed.length > changes)
    throw new PatchProblem(`may make ${makes} sources and change ${changes}, but has ${JSON.stringify(sources)}`);
  copyPackages(root, copy);
  await step(
    "no longer applies; make its change by hand and write it anew",
    "git",
    ["apply", join(patches, patch)],
    copy,
  );
  await step("types are wrong", bin("tsc"), ["-b", "--stopBuildOnErrors", ...projects], copy);
  const files = [...tests, ...made.filter(isTest)];
  const report = join(copy, "report.json");
  await step(
    "tests fail",
    bin("vitest"),
    ["run", ...files, "-t", name, "--reporter=default", "--reporter=json", `--outputFile=${report}`],
    copy,
  );
  const passed = filesPassed(report);
  const without = files.filter((path) => !passed.some((file) => file.endsWith(path)));
  if (without.length > 0) throw new PatchProblem(`no test of ${name} ran in ${without.join(", ")}`);
  return `${sources.made.length} new and ${sources.changed.length} changed sources`;
}

async function tryPatch(shown: Shown): Promise<boolean> {
  const begin = performance.now();
  const copy = mkdtempSync(join(realpathSync(tmpdir()), "ostinato-patch-"));
  try {
    const touched = await tryIn(copy, shown);
    const seconds = ((performance.now() - begin) / 1000).toFixed(1);
    console.log(`passed  docs/patches/${shown.patch}: ${touched}, types, tests (${seconds} s)`);
    return true;
  } catch (error) {
    if (!(error instanceof PatchProblem)) throw error;
    console.log(`FAILED  docs/patches/${shown.patch}: ${error.message}`);
    return false;
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}

// In a copy git is to see no repository, neither one around it nor that of a hook.
for (const name of ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"]) delete process.env[name];
process.env.GIT_CEILING_DIRECTORIES = realpathSync(tmpdir());

const unknown = readdirSync(patches).filter((file) => !list.some(({ patch }) => patch === file));
if ((await run("git", ["--version"], root)).code !== 0) {
  console.log("skipped: there is no git on the path to apply the patches of docs/patches");
} else {
  for (const file of unknown) console.log(`FAILED  docs/patches/${file}: tools/patches.ts does not list it`);
  const passed = await inParallel(list, tryPatch);
  if (unknown.length > 0 || passed.includes(false)) process.exitCode = 1;
}
