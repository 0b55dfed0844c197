/** The TypeScript examples in a README, each a module that must compile and run by itself. */

export interface Example {
  /** Line of the fence in the README, for messages. */
  readonly line: number;
  readonly code: string;
  /** False for ```ts no-run: compiled, but not run. */
  readonly runs: boolean;
}

/** Finds the blocks fenced as ```ts. */
export function examples(markdown: string): Example[] {
  return [...markdown.matchAll(/^```ts( no-run)?[ \t]*\r?\n(.*?)^```[ \t]*$/gms)].map((match) => ({
    line: markdown.slice(0, match.index).split("\n").length,
    code: match[2] ?? "",
    runs: match[1] === undefined,
  }));
}

/** The names of the npm packages that a module imports, Node's own left out. */
export function importedPackages(code: string): Set<string> {
  const specifiers = [...code.matchAll(/(?:\bfrom\s*|\bimport\s*\(?\s*)["']([^"'.][^"']*)["']/g)].map(
    (match) => match[1] ?? "",
  );
  return new Set(
    specifiers
      .filter((specifier) => specifier !== "" && !specifier.startsWith("node:"))
      .map((specifier) =>
        specifier
          .split("/")
          .slice(0, specifier.startsWith("@") ? 2 : 1)
          .join("/"),
      ),
  );
}
