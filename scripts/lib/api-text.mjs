// The public API of package entries as text: what api-report.mjs writes and compares.
import { existsSync } from 'node:fs';
import ts from 'typescript';
import { fail, shown } from './shared.mjs';

const printer = ts.createPrinter({ removeComments: true });

/** The text of every entry's report, in order. An entry has a specifier ('corral/testing') and the path of its types. */
export function reportAll(entries) {
  const missing = entries.find(({ types }) => !existsSync(types));
  if (missing) fail(`Cannot report ${missing.specifier} as it must be built: ${shown(missing.types)} is missing`);
  // Nothing is checked here, so nothing needs the platform's own types.
  const options = { module: ts.ModuleKind.NodeNext, noLib: true, types: [] };
  const paths = entries.map(({ types }) => types);
  const program = ts.createProgram(paths, options);
  const checker = program.getTypeChecker();
  const original = (symbol) => (symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol);
  const exportsOf = paths.map((path) => {
    const symbols = checker.getExportsOfModule(checker.getSymbolAtLocation(program.getSourceFile(path)));
    const exported = symbols.map((symbol) => ({ name: symbol.name, symbol: original(symbol) }));
    return exported.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  });
  const isPublic = new Set(exportsOf.flat().map(({ symbol }) => symbol));
  return entries.map(({ specifier }, index) => {
    const exported = exportsOf[index].map(({ name, symbol }) => ({ name, symbol, statements: statementsOf(symbol) }));
    const mentioned = exported
      .flatMap(({ statements }) => statements)
      .flatMap((node) => typesIn(node, checker, original));
    const hidden = new Set(mentioned.filter((symbol) => !isPublic.has(symbol)).map((symbol) => symbol.name));
    const blocks = exported.map(({ name, symbol, statements }) => {
      const renamed = symbol.name === name ? [] : [`// exported as ${name}`];
      return [...renamed, ...statements.map(print)].join('\n');
    });
    const rest = hidden.size > 0 ? [`// Mentioned but not exported: ${[...hidden].sort(inOrder).join(', ')}`] : [];
    return `${[`// The public API of ${specifier}. Written by npm run api: do not edit.`, ...blocks, ...rest].join('\n\n')}\n`;
  });
}

/** What differs, block by block: removed lines with a minus, added ones with a plus. */
export function differences(old, now) {
  const blocksOf = (text) =>
    new Map(
      text
        .trimEnd()
        .split('\n\n')
        .map((block) => [block.split('\n', 1)[0], block.split('\n')]),
    );
  const [before, after] = [blocksOf(old), blocksOf(now)];
  return [...new Set([...before.keys(), ...after.keys()])].flatMap((head) => {
    const [was, is] = [before.get(head) ?? [], after.get(head) ?? []];
    const removed = was.filter((line) => !is.includes(line)).map((line) => `- ${line}`);
    const added = is.filter((line) => !was.includes(line)).map((line) => `+ ${line}`);
    const isWhole = was.length === 0 || is.length === 0;
    return isWhole || removed.length + added.length === 0
      ? [...removed, ...added]
      : [`  ${head}`, ...removed, ...added];
  });
}

function inOrder(a, b) {
  return a < b ? -1 : 1;
}

/** A symbol's declarations as statements: that of a variable is but a part of one. */
function statementsOf({ declarations = [] }) {
  return [...new Set(declarations.map((node) => (ts.isVariableDeclaration(node) ? node.parent.parent : node)))];
}

function print(statement) {
  const text = printer.printNode(ts.EmitHint.Unspecified, statement, statement.getSourceFile());
  return text
    .replace(/^(export )?(declare )?/, '')
    .replace(/^ *#private;\n/m, '')
    .replace(/^( +)/gm, (indent) => indent.slice(indent.length / 2));
}

/** The types of the workspace that a declaration names. */
function typesIn(node, checker, original) {
  const name = node.typeName ?? (ts.isExpressionWithTypeArguments(node) ? node.expression : node.exprName);
  const found = name && checker.getSymbolAtLocation(name);
  const symbol = found && original(found);
  const declaration = symbol?.declarations?.[0];
  const isOurs =
    declaration &&
    !ts.isTypeParameterDeclaration(declaration) &&
    /\/packages\/[^/]+\/dist\//.test(declaration.getSourceFile().fileName);
  const below = [];
  ts.forEachChild(node, (child) => void below.push(...typesIn(child, checker, original)));
  return isOurs ? [symbol, ...below] : below;
}
