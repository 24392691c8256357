// Checks packages/corral/test/conformance.md: every test that it names, as `folder/file.test.ts` › title, is there. A title
// with `${…}` stands for several tests and is looked for as it is written in the file.
//
// Usage: node scripts/check-conformance.mjs
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readArguments, root } from './lib/shared.mjs';

readArguments(import.meta.url);
const folder = join(root, 'packages/corral/test');
const table = readFileSync(join(folder, 'conformance.md'), 'utf8');
const named = [...table.matchAll(/`([\w/-]+\.test\.ts)` › (.*?)(?=<br>| \|)/g)];
const missing = named.filter(([, file, title]) => !contains(join(folder, file), title));
for (const [, file, title] of missing) console.error(`conformance.md: there is no '${title}' in ${file}`);
if (missing.length === 0) console.log(`conformance: ${named.length} tests are named, and there`);
process.exitCode = missing.length === 0 ? 0 : 1;

/** Titles stand in quotes of any kind, in which quotes of that kind are escaped. */
function contains(path, title) {
  if (!existsSync(path)) return false;
  const text = readFileSync(path, 'utf8').replaceAll("\\'", "'").replaceAll('\\`', '`');
  return text.includes(title.replace(/\$\{[^}]*\}.*/, '')) || text.includes(title.replace(/^.*?\$\{[^}]*\}/, ''));
}
