/** Public names that no test imports: an export without a test is a promise that nobody keeps. */
import { globSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import ts from "typescript";

function parse(path: string): ts.SourceFile {
  return ts.createSourceFile(path, readFileSync(path, "utf8"), ts.ScriptTarget.Latest);
}

/** The values that an entry of a package exports; types are used wherever values are. */
function exportedValues(path: string): string[] {
  return parse(path).statements.flatMap((statement) => {
    if (!ts.isExportDeclaration(statement) || statement.isTypeOnly) return [];
    const clause = statement.exportClause;
    if (clause === undefined || !ts.isNamedExports(clause)) return [];
    return clause.elements.filter(({ isTypeOnly }) => !isTypeOnly).map(({ name }) => name.text);
  });
}

/** The names that a file takes from other files: by `import { name }`, or as `all.name` after `import * as all`. */
function importedNames(path: string): string[] {
  const names: string[] = [];
  const namespaces = new Set<string>();
  const visit = (node: ts.Node): void => {
    if (ts.isImportSpecifier(node)) names.push((node.propertyName ?? node.name).text);
    if (ts.isNamespaceImport(node)) namespaces.add(node.name.text);
    if (ts.isPropertyAccessExpression(node) && ts.isIdentifier(node.expression) && namespaces.has(node.expression.text))
      names.push(node.name.text);
    ts.forEachChild(node, visit);
  };
  visit(parse(path));
  return names;
}

/** One line for each public name that no test of the workspace uses. */
export function untestedNames(root: string): string[] {
  const tests = globSync(["packages/*/test/**/*.ts", "packages/conformance/src/**/*.ts", "apps/*/test/**/*.ts"], {
    cwd: root,
  });
  const used = new Set(tests.flatMap((path) => importedNames(join(root, path))));
  const manifests = globSync("packages/*/package.json", { cwd: root });
  return manifests.flatMap((manifest) => {
    const { name, private: isPrivate } = JSON.parse(readFileSync(join(root, manifest), "utf8"));
    if (isPrivate) return [];
    const folder = dirname(manifest);
    const entries = globSync(`${folder}/src/{,*/}index.ts`, { cwd: root });
    return entries.flatMap((entry) =>
      exportedValues(join(root, entry))
        .filter((value) => !used.has(value))
        .map((value) => `${entry}: no test imports ${value} of ${name}`),
    );
  });
}
