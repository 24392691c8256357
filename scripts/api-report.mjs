// Writes the public API of every package entry as reviewable text: api/corral.txt, api/corral.testing.txt and so on.
// One block per exported name, sorted, with the signatures of the built .d.ts files and without comments. Types
// that an export mentions but that nobody can import are listed at the end.
//
// Usage: node scripts/api-report.mjs [--check]
//   --check   write nothing; fail with the differences when a file is stale
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { differences, reportAll } from './lib/api-text.mjs';
import { packages, readArguments, root, shown, walk } from './lib/shared.mjs';

const { flags } = readArguments(import.meta.url, ['--check']);
const folder = join(root, 'api');
const published = entries();
const texts = reportAll(published);
const reports = new Map(published.map(({ name }, index) => [join(folder, `${name}.txt`), texts[index]]));
const gone = walk(folder, (file) => file.endsWith('.txt') && !reports.has(file));

if (flags.has('--check')) check();
else write();

/** The entries of the packages that are published: how they are imported, their report's name, their types. */
function entries() {
  return packages().flatMap((path) => {
    const { name, private: isPrivate, exports = {} } = JSON.parse(readFileSync(join(path, 'package.json'), 'utf8'));
    const typed = Object.entries(isPrivate ? {} : exports).filter(([, target]) => target.types);
    return typed.map(([key, target]) => {
      const specifier = name + key.slice(1);
      return {
        specifier,
        name: specifier.replace(/^@(.*?)\//, '$1-').replaceAll('/', '.'),
        types: join(path, target.types),
      };
    });
  });
}

function write() {
  mkdirSync(folder, { recursive: true });
  for (const path of gone) rmSync(path);
  for (const [path, text] of reports) writeFileSync(path, text);
  console.log(`api: wrote ${[...reports.keys()].map(shown).join(', ')}`);
}

function check() {
  const current = (path) => (existsSync(path) ? readFileSync(path, 'utf8') : '');
  const stale = [...reports, ...gone.map((path) => [path, ''])].filter(([path, text]) => text !== current(path));
  for (const [path, text] of stale) {
    console.error(`${shown(path)} is stale:`);
    for (const line of differences(current(path), text)) console.error(`  ${line}`);
  }
  if (stale.length > 0) console.error('If the change is meant: npm run api, and review the difference');
  else console.log(`api: ${[...reports.keys()].map(shown).join(', ')} are up to date`);
  process.exitCode = stale.length > 0 ? 1 : 0;
}
