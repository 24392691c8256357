// Checks everything but the tests: installs what is missing, then types, lint, format, layers, API reports,
// documentation, the conformance table and sizes. Runs all the steps even after a failure and shows the output of those
// that fail.
//
// Usage: npm run check -- [STEP...]     only these steps, for example: npm run check -- lint docs
//        npm run fix                    mends lint and format as far as that goes by itself
import { fail, readArguments, run } from './lib/shared.mjs';

const oxlint = ['node_modules/oxlint/bin/oxlint', '--type-aware', '--deny-warnings'];
const oxfmt = ['node_modules/oxfmt/bin/oxfmt'];
const CHECKS = {
  install: ['scripts/setup.mjs', '--no-build'],
  types: ['scripts/setup.mjs', '--tests'],
  lint: [...oxlint, '--report-unused-disable-directives'],
  format: [...oxfmt, '--list-different'],
  layers: ['scripts/check-layers.mjs'],
  api: ['scripts/api-report.mjs', '--check'],
  docs: ['scripts/check-docs.mjs'],
  conformance: ['scripts/check-conformance.mjs'],
  size: ['scripts/size.mjs'],
};
const FIXES = { install: CHECKS.install, lint: [...oxlint, '--fix'], format: oxfmt };

const { flags, names } = readArguments(import.meta.url, ['--fix']);
const STEPS = flags.has('--fix') ? FIXES : CHECKS;
const wrong = names.find((name) => !(name in STEPS));
if (wrong) fail(`Cannot check as a step must be one of ${Object.keys(STEPS).join(', ')}: current value is ${wrong}`);
const env = process.stdout.isTTY ? process.env : { ...process.env, NO_COLOR: '1', FORCE_COLOR: undefined };
const failed = [];
for (const [name, command] of Object.entries(STEPS)) {
  if (names.length > 0 && !names.includes(name)) continue;
  const { code, output, seconds } = await run(process.execPath, command, { env });
  console.log(`${code === 0 ? 'ok  ' : 'FAIL'}  ${name.padEnd(11)} ${seconds.toFixed(1).padStart(5)} s`);
  if (code === 0) continue;
  console.log(output.trimEnd().replace(/^/gm, '      '));
  failed.push(name);
  if (name === 'install') break; // nothing else can run
}
console.log(failed.length > 0 ? `failed: ${failed.join(', ')}` : 'all is well');
process.exitCode = failed.length > 0 ? 1 : 0;
