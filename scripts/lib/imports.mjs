// What check-layers.mjs needs to know of a source file: its imports in whatever form, and its `using` declarations.
import { readFileSync } from 'node:fs';
import ts from 'typescript';
import { shown } from './shared.mjs';

export function readImports(path) {
  const source = ts.createSourceFile(path, readFileSync(path, 'utf8'), ts.ScriptTarget.Latest, true);
  const imports = [];
  const usings = [];
  const visit = (node) => {
    const found = specifierOf(node);
    if (found && ts.isStringLiteralLike(found.specifier)) {
      imports.push({ name: found.specifier.text, at: found.specifier.getStart(), erased: found.erased });
    }
    // `await using` is flagged as `using` and `const` together.
    if (ts.isVariableDeclarationList(node) && node.flags & ts.NodeFlags.Using) usings.push(node.getStart());
    ts.forEachChild(node, visit);
  };
  visit(source);
  return { imports, usings, where: (at) => `${shown(path)}:${source.getLineAndCharacterOfPosition(at).line + 1}` };
}

/** What a node imports, and whether the import is gone at run time. */
function specifierOf(node) {
  const isCall = ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword;
  if (isCall && node.arguments[0]) return { specifier: node.arguments[0], erased: false };
  if (ts.isImportTypeNode(node)) return { specifier: node.argument.literal, erased: true };
  if (ts.isImportDeclaration(node)) {
    return { specifier: node.moduleSpecifier, erased: node.importClause?.isTypeOnly ?? false };
  }
  const isReexport = ts.isExportDeclaration(node) && node.moduleSpecifier;
  return isReexport ? { specifier: node.moduleSpecifier, erased: node.isTypeOnly } : undefined;
}
