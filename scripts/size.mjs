// Measures what an import costs: bundles the imports listed in size.json for the browser (esbuild, minified, tree
// shaken), gzips the result and compares it with the limit given there; `without` lists folders of which nothing may be
// in it. A `node:` import fails. What is imported on demand does not count. The packages must be built.
//
// Usage: node scripts/size.mjs [--json]
import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { readArguments, root, shown, table } from './lib/shared.mjs';

const { flags } = readArguments(import.meta.url, ['--json']);
const cases = JSON.parse(readFileSync(new URL('size.json', import.meta.url), 'utf8'));
const results = await Promise.all(Object.entries(cases).map(([name, options]) => measure(name, options)));
const tooLarge = results.filter(({ gzip, limit }) => gzip > limit);

if (flags.has('--json')) {
  console.log(JSON.stringify(results, null, 2));
} else {
  const rows = results.map(({ name, minified, gzip, limit }) => [
    name,
    minified,
    gzip,
    limit,
    gzip > limit ? 'over' : '',
  ]);
  console.log(table([['import', 'minified', 'gzip', 'limit', ''], ...rows]));
}
for (const { name, gzip, limit } of tooLarge) console.error(`size: '${name}' is ${gzip - limit} bytes over its limit`);
for (const { name, unwanted } of results)
  for (const path of unwanted) console.error(`size: '${name}' contains ${path}`);
process.exitCode = tooLarge.length > 0 || results.some(({ unwanted }) => unwanted.length > 0) ? 1 : 0;

/** `export` keeps what is imported alive, and nothing else. */
async function measure(name, { import: clause, from, limit, without = [] }) {
  const contents = `export ${clause} from '${from}';`;
  const { outputFiles, metafile } = await build({
    stdin: { contents, resolveDir: root },
    bundle: true,
    minify: true,
    format: 'esm',
    target: 'es2022',
    platform: 'browser',
    treeShaking: true,
    splitting: true,
    outdir: root,
    write: false,
    metafile: true,
    logLevel: 'silent',
  });
  // What is loaded later, if at all, is in files of its own.
  const [path, { inputs }] = Object.entries(metafile.outputs).find(([, { entryPoint }]) => entryPoint !== undefined);
  const code = outputFiles.find((file) => shown(file.path) === path).contents;
  const contained = Object.entries(inputs).filter(([, input]) => input.bytesInOutput > 0);
  const unwanted = contained.map(([file]) => file).filter((file) => without.some((folder) => file.includes(folder)));
  return { name, minified: code.byteLength, gzip: gzipSync(code, { level: 9 }).byteLength, limit, unwanted };
}
