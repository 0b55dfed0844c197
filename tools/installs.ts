/** Checks what installing a package adds: install scripts, and files other than JavaScript and WebAssembly. */
import { existsSync, globSync, readFileSync, realpathSync } from "node:fs";
import { dirname, join } from "node:path";

/** The fields of a package.json, or of an entry in npm's lockfile, that are used. */
interface Manifest {
  readonly name?: string;
  readonly scripts?: Readonly<Record<string, string>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly peerDependenciesMeta?: Readonly<Record<string, { readonly optional?: boolean }>>;
  readonly os?: readonly string[];
  readonly cpu?: readonly string[];
  readonly libc?: readonly string[];
  /** Only in the lockfile. */
  readonly hasInstallScript?: boolean;
}

const read = (path: string): Manifest => JSON.parse(readFileSync(path, "utf8"));

/** The scripts that npm runs when a package is installed from a registry. */
const installScripts = ["preinstall", "install", "postinstall"];

/** The folder of a dependency by Node's resolution; undefined if it is not installed. */
function find(name: string, from: string): string | undefined {
  const folder = join(from, "node_modules", name);
  if (existsSync(join(folder, "package.json"))) return folder;
  const above = dirname(from);
  return above === from ? undefined : find(name, above);
}

function ownProblems(folder: string, manifest: Manifest): string[] {
  const scripts = installScripts.filter((script) => manifest.scripts?.[script] !== undefined);
  const platforms = (["os", "cpu", "libc"] as const).filter((field) => manifest[field] !== undefined);
  const binaries = globSync("**/*.node", { cwd: folder, exclude: (path) => path.endsWith("node_modules") });
  return [
    ...scripts.map((script) => `has the script ${script}`),
    ...platforms.map((field) => `is for some ${field} alone`),
    ...binaries.map((path) => `has the binary ${path}`),
    ...(existsSync(join(folder, "binding.gyp")) ? ["is compiled by node-gyp"] : []),
  ].map((problem) => `${manifest.name} ${problem}`);
}

/** One line per problem in an install of the package in this folder, including its transitive dependencies and required peers. */
export function installProblems(place: string, seen = new Set<string>()): string[] {
  const folder = realpathSync(place);
  if (seen.has(folder)) return [];
  seen.add(folder);
  const manifest = read(join(folder, "package.json"));
  const { peerDependenciesMeta: peers = {} } = manifest;
  const needed = [
    ...Object.keys({ ...manifest.dependencies, ...manifest.optionalDependencies }),
    ...Object.keys(manifest.peerDependencies ?? {}).filter((name) => peers[name]?.optional !== true),
  ];
  const problems = needed.flatMap((name) => {
    const other = find(name, folder);
    return other === undefined ? [`${manifest.name} needs ${name}, which is not there`] : installProblems(other, seen);
  });
  return [...ownProblems(folder, manifest), ...problems];
}

/** The problems of a project installed by npm, from its lockfile. */
export function lockProblems(project: string): string[] {
  const lock = read(join(project, "package-lock.json")) as { readonly packages?: Readonly<Record<string, Manifest>> };
  return Object.entries(lock.packages ?? {})
    .filter(([, entry]) => entry.hasInstallScript || entry.os || entry.cpu || entry.libc)
    .map(([path]) => `an install brings ${path}, which has an install script, or is for some platforms alone`);
}
