/** Runs one program on the packed packages in every runtime that they are for: five versions of Node, Bun and Deno. */
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { install, PackageProblem, packAll, step } from "./packed.ts";
import { inParallel } from "./process.ts";

interface Runtime {
  readonly name: string;
  /** The npm package with the binary for a platform, without any install script. */
  readonly package: string;
  readonly range: string;
  /** The binary inside of it. */
  readonly binary: string;
  readonly args: readonly string[];
}

const { platform, arch } = process;
const exe = platform === "win32" ? ".exe" : "";
const glibc = platform === "linux" ? "-glibc" : "";

const runtimes: readonly Runtime[] = [
  ...["20", "22", "24", "25", "26"].map((range) => ({
    name: `Node ${range}`,
    package: `node-${platform === "win32" ? "win" : platform}-${arch}`,
    range,
    binary: `bin/node${exe}`,
    args: [],
  })),
  {
    name: "Bun",
    package: `@oven/bun-${platform === "win32" ? "windows" : platform}-${arch === "arm64" ? "aarch64" : arch}`,
    range: "1",
    binary: `bin/bun${exe}`,
    args: ["run"],
  },
  { name: "Deno", package: `@deno/${platform}-${arch}${glibc}`, range: "2", binary: `deno${exe}`, args: ["run", "-A"] },
];

/** What a user installs. */
const packages = ["@ostinato/core", "@ostinato/backend-cpu", "@ostinato/backend-wasm", "@ostinato/onnx"];

const scratch = mkdtempSync(join(tmpdir(), "ostinato-runtimes-"));
const project = join(scratch, "project");
const ci = process.env.CI === "true";
const inSeconds = (begin: number): string => ((performance.now() - begin) / 1000).toFixed(1);

/** The runtime's binary, fetched by npm; undefined, with the reason printed, where it cannot be had. */
async function fetched(runtime: Runtime): Promise<string | undefined> {
  const folder = join(scratch, runtime.name.replace(" ", "-"));
  mkdirSync(folder);
  try {
    await install(folder, { [runtime.package]: runtime.range }, []);
    const binary = join(folder, "node_modules", runtime.package, runtime.binary);
    if (!existsSync(binary)) throw new PackageProblem(`${runtime.package} has no ${runtime.binary}`);
    return binary;
  } catch (error) {
    if (!(error instanceof PackageProblem)) throw error;
    console.log(`${ci ? "FAILED " : "skipped"} ${runtime.name}: it cannot be installed here. ${error.message}`);
    return undefined;
  }
}

/** True where the program did what it should, or, outside of CI, where the runtime is not to be had. */
async function check(runtime: Runtime): Promise<boolean> {
  const begin = performance.now();
  const binary = await fetched(runtime);
  if (binary === undefined) return !ci;
  const start = performance.now();
  try {
    const version = (await step(`${runtime.name} --version`, binary, ["--version"], project)).split("\n", 1)[0];
    const backend = await step("the program", binary, [...runtime.args, "program.mjs"], project, 120);
    const times = `${inSeconds(start)} s, and ${((start - begin) / 1000).toFixed(1)} s to install`;
    console.log(`passed  ${runtime.name} (${version}): cpu, ${backend.trim()}, and that in a worker (${times})`);
    return true;
  } catch (error) {
    if (!(error instanceof PackageProblem)) throw error;
    console.log(`FAILED  ${runtime.name}: ${error.message}`);
    return false;
  }
}

try {
  mkdirSync(project);
  const all = await packAll(scratch);
  const chosen = all.filter(({ name }) => packages.includes(name));
  await install(project, Object.fromEntries(chosen.map(({ name, tarball }) => [name, `file:${tarball}`])), []);
  for (const file of ["program.mjs", "worker.mjs"])
    cpSync(join(import.meta.dirname, "runtimes", file), join(project, file));
  const passed = await inParallel(runtimes, check);
  if (passed.includes(false)) process.exitCode = 1;
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
