/** The public names of the packages: which of them no test imports, and which have no docstring. */
import { globSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import ts from "typescript";

const parsed = new Map<string, ts.SourceFile>();

function parse(path: string): ts.SourceFile {
  const source = parsed.get(path) ?? ts.createSourceFile(path, readFileSync(path, "utf8"), ts.ScriptTarget.Latest);
  parsed.set(path, source);
  return source;
}

/** The values that an entry of a package exports; types are used wherever values are. */
function exportedValues(path: string): string[] {
  return parse(path).statements.flatMap((statement) => {
    if (!ts.isExportDeclaration(statement) || statement.isTypeOnly) return [];
    const { exportClause: clause, moduleSpecifier: from } = statement;
    if (clause === undefined && from && ts.isStringLiteral(from)) {
      const file = join(dirname(path), from.text);
      return parse(file).statements.filter(isExported).filter(isValue).flatMap(namesOf).concat(exportedValues(file));
    }
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

/** What a file exports from another: the file, and the name that it has there. */
function reexports(path: string): { readonly file: string; readonly name: string }[] {
  return parse(path).statements.flatMap((statement) => {
    if (!ts.isExportDeclaration(statement)) return [];
    const { exportClause: clause, moduleSpecifier: from } = statement;
    if (!from || !ts.isStringLiteral(from) || !from.text.startsWith(".")) return [];
    const file = join(dirname(path), from.text);
    if (clause === undefined) return reexports(file).concat(declaredNames(file).map((name) => ({ file, name })));
    if (!ts.isNamedExports(clause)) return [];
    return clause.elements.map(({ name, propertyName }) => ({ file, name: (propertyName ?? name).text }));
  });
}

/** The names that a statement declares. */
function namesOf(statement: ts.Statement): string[] {
  if (ts.isVariableStatement(statement))
    return statement.declarationList.declarations.flatMap(({ name }) => (ts.isIdentifier(name) ? [name.text] : []));
  const declares =
    ts.isFunctionDeclaration(statement) ||
    ts.isClassDeclaration(statement) ||
    ts.isInterfaceDeclaration(statement) ||
    ts.isTypeAliasDeclaration(statement) ||
    ts.isEnumDeclaration(statement);
  return declares && statement.name ? [statement.name.text] : [];
}

const isValue = (statement: ts.Statement): boolean =>
  !ts.isInterfaceDeclaration(statement) && !ts.isTypeAliasDeclaration(statement);

const isExported = (statement: ts.Statement): boolean =>
  ts.canHaveModifiers(statement) &&
  (ts.getModifiers(statement) ?? []).some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword);

/** The names that a file declares and exports. */
const declaredNames = (path: string): string[] => parse(path).statements.filter(isExported).flatMap(namesOf);

/** Whether a name that a file declares has a docstring; of a function with overloads one of them. A name from elsewhere is followed. */
function isDocumented(file: string, name: string): boolean {
  const { statements, text } = parse(file);
  const declarations = statements.filter((statement) => namesOf(statement).includes(name));
  if (declarations.length > 0)
    return declarations.some(({ pos }) => {
      const last = ts.getLeadingCommentRanges(text, pos)?.at(-1);
      // The comment at the beginning is the file's.
      return last !== undefined && last.pos > 0 && text.startsWith("/**", last.pos);
    });
  const [from] = reexports(file).filter((other) => other.name === name);
  return from !== undefined && isDocumented(from.file, from.name);
}

/** One line for each public name, type or value, without a docstring. */
export function undocumentedNames(root: string): string[] {
  return publicEntries(root).flatMap(({ entry, name: owner }) =>
    reexports(join(root, entry))
      .filter(({ file, name }) => !isDocumented(file, name))
      .map(({ name }) => `${entry}: ${name} of ${owner} has no docstring`),
  );
}

/** One line for each public name that no test of the workspace uses. */
export function untestedNames(root: string): string[] {
  const tests = globSync(
    ["packages/*/test/**/*.ts", "packages/conformance/src/**/*.ts", "{apps,examples}/*/test/**/*.ts"],
    {
      cwd: root,
    },
  );
  const used = new Set(tests.flatMap((path) => importedNames(join(root, path))));
  return publicEntries(root).flatMap(({ entry, name }) =>
    exportedValues(join(root, entry))
      .filter((value) => !used.has(value))
      .map((value) => `${entry}: no test imports ${value} of ${name}`),
  );
}

/** The entries of the packages that are published, with the names of these. */
function publicEntries(root: string): { readonly entry: string; readonly name: string }[] {
  return globSync("packages/*/package.json", { cwd: root }).flatMap((manifest) => {
    const { name, private: isPrivate } = JSON.parse(readFileSync(join(root, manifest), "utf8"));
    if (isPrivate) return [];
    return globSync(`${dirname(manifest)}/src/{,*/}index.ts`, { cwd: root }).map((entry) => ({ entry, name }));
  });
}
