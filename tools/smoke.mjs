/** Smoke test of the built packages under the Node that runs this file: every public entry loads. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const packages = join(dirname(dirname(fileURLToPath(import.meta.url))), "packages");
const manifests = readdirSync(packages)
  .map((folder) => join(packages, folder, "package.json"))
  .filter((path) => existsSync(path))
  .map((path) => JSON.parse(readFileSync(path, "utf8")))
  .filter((manifest) => !manifest.private);

for (const { name, exports } of manifests) {
  for (const entry of Object.keys(exports).filter((key) => !key.endsWith(".json"))) {
    const specifier = name + entry.slice(1);
    const names = Object.keys(await import(specifier));
    console.log(`${specifier}: ${names.length} exports`);
  }
}
console.log(`The built packages load under Node ${process.versions.node}.`);
