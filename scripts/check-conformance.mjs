// Checks test/conformance.md of every package that has one: every test that it names, as `folder/file.test.ts` › title, is
// there. A title with `${…}` stands for several tests and is looked for as it is written in the file.
//
// Usage: node scripts/check-conformance.mjs
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packages, readArguments, shown } from './lib/shared.mjs';

readArguments(import.meta.url);
const tables = packages()
  .map((folder) => join(folder, 'test/conformance.md'))
  .filter((path) => existsSync(path));
process.exitCode = tables.map(check).every(Boolean) ? 0 : 1;

/** Whether all that a table names is there. */
function check(path) {
  const named = [...readFileSync(path, 'utf8').matchAll(/`([\w/-]+\.test\.ts)` › (.*?)(?=<br>| \|)/g)];
  const missing = named.filter(([, file, title]) => !contains(join(path, '..', file), title));
  for (const [, file, title] of missing) console.error(`${shown(path)}: there is no '${title}' in ${file}`);
  if (missing.length === 0) console.log(`${shown(path)}: ${named.length} tests are named, and there`);
  return missing.length === 0;
}

/** Titles stand in quotes of any kind, in which quotes of that kind are escaped. */
function contains(path, title) {
  if (!existsSync(path)) return false;
  const text = readFileSync(path, 'utf8').replaceAll("\\'", "'").replaceAll('\\`', '`');
  return text.includes(title.replace(/\$\{[^}]*\}.*/, '')) || text.includes(title.replace(/^.*?\$\{[^}]*\}/, ''));
}
