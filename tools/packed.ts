/** The public packages as npm would publish them, and projects that they are installed into. */
import { globSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { inParallel, run } from "./process.ts";

export interface Manifest {
  readonly name: string;
  readonly private?: boolean;
  readonly exports: Readonly<Record<string, unknown>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly peerDependenciesMeta?: Readonly<Record<string, { readonly optional?: boolean }>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
}

export interface Packed {
  readonly name: string;
  readonly folder: string;
  readonly tarball: string;
}

/** A failure that a user of the package would meet; its message is all there is to say. */
export class PackageProblem extends Error {}

const root = join(import.meta.dirname, "..");

export const readManifest = (folder: string): Manifest =>
  JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));

/** Runs a command that has to end well. */
export async function step(
  what: string,
  command: string,
  args: readonly string[],
  cwd: string,
  seconds?: number,
): Promise<string> {
  const { code, output } = await run(command, args, cwd, seconds);
  if (code !== 0) throw new PackageProblem(`${what} failed (exit code ${code}):\n${output.trim()}`);
  return output;
}

/** Packs every package that is not private. */
export function packAll(scratch: string): Promise<Packed[]> {
  const folders = globSync("packages/*/package.json", { cwd: root })
    .map((path) => resolve(root, dirname(path)))
    .filter((folder) => readManifest(folder).private !== true);
  return inParallel(folders, async (folder) => {
    const { name } = readManifest(folder);
    const tarball = join(scratch, `${name.replace("@", "").replace("/", "-")}.tgz`);
    await step(`pnpm pack of ${name}`, "pnpm", ["pack", "--silent", "--out", tarball], folder);
    return { name, folder, tarball };
  });
}

/** Writes the project's package.json and installs it; our own packages come from their tarballs, whoever asks for them. */
export async function install(
  project: string,
  dependencies: Record<string, string>,
  all: readonly Packed[],
): Promise<void> {
  const overrides = Object.fromEntries(
    all.filter(({ name }) => !(name in dependencies)).map(({ name, tarball }) => [name, `file:${tarball}`]),
  );
  const manifest = { name: "alone", private: true, type: "module", dependencies, overrides };
  writeFileSync(join(project, "package.json"), JSON.stringify(manifest, null, 2));
  const flags = ["--prefer-offline", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"];
  await step("npm install", "npm", ["install", ...flags], project);
}
