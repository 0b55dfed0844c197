/** `pnpm check`: every static check, side by side, with the output of those that fail. */
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { inParallel, run } from "./process.ts";
import { undocumentedNames, untestedNames } from "./publicNames.ts";

const root = join(import.meta.dirname, "..");

const checks = [
  { name: "types", command: ["tsc", "-b"] },
  { name: "style", command: ["biome", "check", "--error-on-warnings"] },
  { name: "imports", command: ["depcruise", "packages", "apps", "examples", "bench", "tools"] },
  { name: "unused", command: ["knip"] },
] as const;

/** Sources that do not say in their first line what they are for. */
function filesWithoutPurpose(): string[] {
  return globSync(
    ["{packages,apps,examples}/*/{src,test}/**/*.ts", "bench/{src,test}/**/*.ts", "tools/**/*.{ts,mjs}"],
    {
      cwd: root,
    },
  ).filter((path) => !readFileSync(join(root, path), "utf8").startsWith("/**"));
}

let failed = 0;
function report(name: string, seconds: number, problems: string): void {
  const passed = problems === "";
  if (!passed) failed += 1;
  console.log(`${passed ? "passed" : "FAILED"}  ${name} (${seconds.toFixed(1)} s)${passed ? "" : `\n${problems}`}`);
}

const purposeless = filesWithoutPurpose();
report(
  "purpose",
  0,
  purposeless.map((path) => `${path}: the first line must be /** what the file is for. */`).join("\n"),
);

report("public names", 0, [...untestedNames(root), ...undocumentedNames(root)].join("\n"));

await inParallel(checks, async ({ name, command: [command, ...args] }) => {
  const { code, output, seconds } = await run(command, args, root);
  report(name, seconds, code === 0 ? "" : output || `exit code ${code}`);
});

if (failed > 0) {
  console.log(`FAILED: pnpm check (${failed} of ${checks.length + 2} checks)`);
  process.exitCode = 1;
}
