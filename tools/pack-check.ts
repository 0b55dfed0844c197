/** Packs every public package, installs each alone with npm into an empty project, and checks what its user gets: exports, types, README. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { lockProblems } from "./installs.ts";
import { install, type Manifest, PackageProblem, type Packed, packAll, readManifest, step } from "./packed.ts";
import { inParallel, run } from "./process.ts";
import { type Example, examples, importedPackages } from "./readme.ts";

const { values: options } = parseArgs({
  options: {
    node: { type: "string", default: process.execPath },
    only: { type: "string", multiple: true, default: [] },
    keep: { type: "boolean", default: false },
  },
});
const root = join(import.meta.dirname, "..");
const bin = (name: string) => join(import.meta.dirname, "node_modules", ".bin", name);
const scratch = mkdtempSync(join(tmpdir(), "ostinato-pack-"));

const writeJson = (path: string, value: unknown) => writeFileSync(path, JSON.stringify(value, null, 2));

const resolutions = { bundler: { module: "ESNext", moduleResolution: "Bundler" }, nodenext: { module: "NodeNext" } };

/** TypeScript 7, and TypeScript 6. */
type Compiler = "tsc" | "tsc6";

/** Compiles files of the project under one module resolution, with the declarations of its dependencies checked too. */
async function compile(
  project: string,
  resolution: keyof typeof resolutions,
  types: readonly string[],
  files: readonly string[],
  compiler: Compiler = "tsc",
): Promise<void> {
  const config = join(project, `tsconfig.${resolution}.${types.join("-") || "bare"}.json`);
  writeJson(config, {
    compilerOptions: {
      ...resolutions[resolution],
      target: "ES2022",
      lib: ["ES2023"],
      strict: true,
      skipLibCheck: false,
      types,
      typeRoots: [join(import.meta.dirname, "node_modules", "@types")],
      rootDir: ".",
      outDir: `out-${resolution}`,
    },
    files,
  });
  const { code, output } = await run(
    join(root, "node_modules", ".bin", compiler),
    ["-p", config, "--pretty", "false"],
    project,
  );
  // Errors inside other people's declarations are not ours to fix; everything else is.
  const errors = output.split(/\n(?=\S)/).filter((line) => /error TS\d+/.test(line));
  const ours = errors.filter((line) => !/(^|\/)node_modules\/(?!@ostinato\/)/.test(line.split(": error TS")[0] ?? ""));
  const explained = code === 0 || errors.length > 0;
  if (ours.length > 0 || !explained)
    throw new PackageProblem(`types under ${resolution} (${compiler}):\n${explained ? ours.join("\n") : output}`);
}

const isCode = (entry: string) => !entry.endsWith(".json");
const specifier = (name: string, entry: string) => join(name, entry).replaceAll("\\", "/");

/** Checks a package that is installed alone: it has no install scripts and no native code, and its main entry loads and needs no Node or DOM types. */
async function checkAlone({ name, tarball }: Packed, project: string, all: readonly Packed[]): Promise<Manifest> {
  await install(project, { [name]: `file:${tarball}` }, all);
  const problems = lockProblems(project);
  if (problems.length > 0) throw new PackageProblem(problems.join("\n"));
  const manifest = readManifest(join(project, "node_modules", name));
  const entries = Object.keys(manifest.exports).filter(isCode);
  const importAll = (list: readonly string[]) =>
    `${list.map((entry, i) => `import * as entry${i} from "${specifier(name, entry)}";`).join("\n")}\nexport const all = [${list.map((_, i) => `entry${i}`).join(", ")}];\n`;
  writeFileSync(join(project, "main-entry.ts"), importAll(["."]));
  writeFileSync(join(project, "all-entries.ts"), importAll(entries));
  for (const resolution of ["bundler", "nodenext"] as const) {
    await compile(project, resolution, [], ["main-entry.ts"]);
    await compile(project, resolution, ["node"], ["all-entries.ts"]);
  }
  await compile(project, "bundler", ["node"], ["all-entries.ts"], "tsc6");
  await step(`import of ${name}`, options.node, ["out-nodenext/main-entry.js"], project);
  return manifest;
}

/** The README's examples with what they import and the package's optional peers beside it: compiled, and run one by one. */
async function checkReadme(
  { name, folder, tarball }: Packed,
  project: string,
  manifest: Manifest,
  all: readonly Packed[],
): Promise<number> {
  const blocks = examples(readFileSync(join(folder, "README.md"), "utf8"));
  if (blocks.length === 0) return 0;
  const version = (dependency: string): string => {
    const own = all.find((packed) => packed.name === dependency);
    if (own !== undefined) return `file:${own.tarball}`;
    const found = { ...manifest.devDependencies, ...manifest.peerDependencies, ...manifest.dependencies }[dependency];
    if (found === undefined)
      throw new PackageProblem(`README.md imports ${dependency}, which the package does not list in any way`);
    return found;
  };
  const extras = new Set([
    ...Object.keys(manifest.peerDependencies ?? {}),
    ...blocks.flatMap(({ code }) => [...importedPackages(code)]),
  ]);
  extras.delete(name);
  const dependencies = Object.fromEntries([...extras].map((extra) => [extra, version(extra)]));
  await install(project, { [name]: `file:${tarball}`, ...dependencies }, all);

  const file = (block: Example) => `readme-line-${block.line}.ts`;
  for (const block of blocks) writeFileSync(join(project, file(block)), `${block.code}\nexport {};\n`);
  // That the entries resolve for bundlers, too, is known from the package alone.
  await compile(project, "nodenext", ["node"], blocks.map(file));
  for (const block of blocks.filter(({ runs }) => runs)) {
    const script = join("out-nodenext", file(block).replace(/\.ts$/, ".js"));
    await step(`README.md, example at line ${block.line}`, options.node, [script], project, 120);
  }
  return blocks.length;
}

async function checkPackage(packed: Packed, all: readonly Packed[]): Promise<boolean> {
  const begin = performance.now();
  const project = join(scratch, packed.name);
  mkdirSync(project, { recursive: true });
  try {
    await step("publint", bin("publint"), [packed.tarball, "--strict"], project);
    await step("attw", bin("attw"), [packed.tarball, "--profile", "esm-only", "--no-color", "--no-emoji"], project);
    const manifest = await checkAlone(packed, project, all);
    const blocks = await checkReadme(packed, project, manifest, all);
    const seconds = ((performance.now() - begin) / 1000).toFixed(1);
    console.log(`passed  ${packed.name}: installs alone, types and loads, ${blocks} README examples (${seconds} s)`);
    return true;
  } catch (error) {
    if (!(error instanceof PackageProblem)) throw error;
    console.log(`FAILED  ${packed.name}: ${error.message}`);
    return false;
  }
}

try {
  const packed = await packAll(scratch);
  const chosen = packed.filter(({ name }) => options.only.length === 0 || options.only.includes(name));
  const passed = await inParallel(chosen, (one) => checkPackage(one, packed));
  if (passed.includes(false)) process.exitCode = 1;
} finally {
  if (options.keep) console.log(`kept: ${scratch}`);
  else rmSync(scratch, { recursive: true, force: true });
}
