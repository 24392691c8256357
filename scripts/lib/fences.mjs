// Type-checks and runs the TypeScript fences of the documentation, for check-docs.mjs.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { root, run, shown, tsc } from './shared.mjs';

const build = join(root, 'build/docs');
const MARKS = ['run', 'no-check'];

/** Checks all fences in one program and runs those that are marked; what is wrong is added to `problems`. */
export async function checkFences(fences, problems) {
  const typescript = fences.filter(({ language }) => /^(ts|typescript)$/.test(language));
  for (const { path, line, marks } of typescript) {
    const unknown = marks.find((mark) => !MARKS.includes(mark));
    if (unknown) problems.push(`${shown(path)}:${line}: a fence can be marked ${MARKS.join(' or ')}, not ${unknown}`);
  }
  const modules = typescript.filter(({ marks }) => !marks.includes('no-check')).map(toModule);
  if (modules.length === 0) return { checked: 0, ran: 0 };
  const faults = await compile(modules);
  problems.push(...faults);
  const ran = faults.length > 0 ? [] : modules.filter(({ marks }) => marks.includes('run'));
  await runAll(ran, problems);
  return { checked: modules.length, ran: ran.length };
}

/** The fence as a module whose lines have the same numbers as in the document. */
function toModule({ path, line, marks, body }) {
  const text = `${'\n'.repeat(line)}${body.join('\n')}\nexport {};\n`;
  return { where: `${shown(path)}:${line}`, marks, name: `${shown(path)}.${line}`, text };
}

async function compile(modules) {
  rmSync(build, { recursive: true, force: true });
  for (const { name, text } of modules) {
    mkdirSync(dirname(join(build, 'src', name)), { recursive: true });
    writeFileSync(join(build, 'src', `${name}.ts`), text);
  }
  const options = { rootDir: 'src', outDir: 'out', types: ['node'], sourceMap: false, noUncheckedIndexedAccess: false };
  const files = modules.map(({ name }) => `src/${name}.ts`);
  const config = { extends: '../../tsconfig.base.json', compilerOptions: options, files };
  writeFileSync(join(build, 'tsconfig.json'), JSON.stringify(config));
  const { code, output } = await run(process.execPath, [tsc, '-p', build, '--pretty', 'false']);
  const place = /^build\/docs\/src\/(.*)\.\d+\.ts\((\d+),(\d+)\)/gm;
  return code === 0
    ? []
    : output
        .trim()
        .replace(place, '$1:$2:$3')
        .split(/\n(?! )/);
}

/** Two at a time. */
async function runAll(modules, problems) {
  const queue = modules.values();
  const worker = async () => {
    for (const { where, name } of queue) {
      const program = join(build, 'out', `${name}.js`);
      const { code, signal, output } = await run(process.execPath, [program], { timeoutMs: 10_000 });
      const fate = signal ? 'did not end within 10 s' : `ended with exit code ${code}`;
      if (code !== 0) problems.push(`${where}: ${fate}\n${output.trimEnd().replace(/^/gm, '    ')}`);
    }
  };
  await Promise.all([worker(), worker()]);
}
