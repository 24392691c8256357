// Checks the documentation: every Markdown file of the repository and the doc comments of packages/*/src.
// Relative links and their anchors must resolve. ```ts fences must type-check, each as a module of its own that
// imports the packages by name; ```ts run are executed as well, within 10 s; ```ts no-check are left alone.
// The packages must be built (npm run check does).
//
// Usage: node scripts/check-docs.mjs [TEXT...]     only the files whose path contains one of these
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { checkFences } from './lib/fences.mjs';
import { readDocComments, readMarkdown } from './lib/markdown.mjs';
import { packages, readArguments, root, shown, walk } from './lib/shared.mjs';

const { names } = readArguments(import.meta.url);
const linesOf = (path) => readFileSync(path, 'utf8').split(/\r?\n/);
const problems = [];
const markdown = new Map(walk(root, (file) => file.endsWith('.md')).map((path) => [path, readMarkdown(linesOf(path))]));
const sources = packages().flatMap((folder) => walk(join(folder, 'src'), (file) => file.endsWith('.ts')));
const comments = sources.map((path) => [path, readDocComments(linesOf(path))]);
const chosen = [...markdown, ...comments].filter(
  ([path]) => names.length === 0 || names.some((name) => shown(path).includes(name)),
);

for (const [path, document] of chosen) {
  for (const { line, message } of document.problems) problems.push(`${shown(path)}:${line}: ${message}`);
  for (const link of document.links) checkLink(path, link);
}
const fences = chosen.flatMap(([path, document]) => document.fences.map((fence) => ({ path, ...fence })));
const { checked, ran } = await checkFences(fences, problems);
for (const problem of problems) console.error(problem);
console.log(`docs: ${chosen.length} files, ${checked} fences checked, ${ran} of them run, ${problems.length} problems`);
process.exitCode = problems.length > 0 ? 1 : 0;

function checkLink(path, { target, line }) {
  if (/^([a-z][a-z+.-]*:|\/\/)/i.test(target)) return;
  const [file, anchor] = decodeURI(target).split('#');
  const there = file === '' ? path : file.startsWith('/') ? join(root, file) : resolve(dirname(path), file);
  if (!existsSync(there)) problems.push(`${shown(path)}:${line}: '${target}' leads to no file`);
  else if (anchor && markdown.has(there) && !markdown.get(there).anchors.has(anchor)) {
    problems.push(`${shown(path)}:${line}: '${target}' leads to no heading of ${shown(there)}`);
  }
}
