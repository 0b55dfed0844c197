/** Which libraries the Python interpreters have that were given, or that are there. */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

export interface Python {
  readonly path: string;
  /** Of the interpreter. */
  readonly python: string;
  /** By the names of modules. */
  readonly versions: Readonly<Record<string, string>>;
  /** Why a module that is there cannot be imported. */
  readonly failures: Readonly<Record<string, string>>;
}

/** What `peers/libraries.py` said. */
export function readLibraries(path: string, output: string): Python | undefined {
  const line = output.split("\n").findLast((each) => each.startsWith("{"));
  if (line === undefined) return undefined;
  try {
    const { python, versions, failures } = JSON.parse(line);
    const complete = typeof python === "string" && typeof versions === "object" && typeof failures === "object";
    return complete ? { path, python, versions, failures } : undefined;
  } catch {
    return undefined;
  }
}

/** What an interpreter has; undefined where the path is none. */
export async function inspectPython(path: string): Promise<Python | undefined> {
  const program = fileURLToPath(new URL("../../peers/libraries.py", import.meta.url));
  const ran = promisify(execFile)(path, [program], { timeout: 120_000 });
  return ran.then(
    ({ stdout }) => readLibraries(path, stdout),
    () => undefined,
  );
}

/** The Python that has PyTorch: Debian's own, else the first on the path. */
export async function defaultPythons(): Promise<Python[]> {
  for (const path of ["/usr/bin/python3", "python3"]) {
    const found = await inspectPython(path);
    if (found?.versions.torch !== undefined) return [found];
  }
  return [];
}

/** The libraries that take part, with the module that each needs. */
const libraries = [
  {
    name: "PyTorch",
    modules: ["torch"],
    hint: "apt-get install python3-torch libopenblas0-pthread, or an interpreter with a newer one in --python",
  },
  { name: "Keras on TensorFlow", modules: ["keras", "tensorflow"], hint: "an interpreter that has it in --python" },
  { name: "JAX", modules: ["jax"], hint: "an interpreter that has it in --python" },
] as const;

/** Who is left out, with the reason. */
export function missingLibraries(pythons: readonly Python[]): string[] {
  const has = ({ versions }: Python, modules: readonly string[]) =>
    modules.every((name) => versions[name] !== undefined);
  return libraries.flatMap(({ name, modules, hint }) => {
    if (pythons.some((python) => has(python, modules))) return [];
    const failures = pythons.flatMap(({ path, failures: failed }) =>
      modules.flatMap((module) => (failed[module] === undefined ? [] : [`${path}: ${failed[module]}`])),
    );
    return [`left out: ${name} (${failures.length > 0 ? failures.join("; ") : hint})`];
  });
}
