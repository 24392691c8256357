import assert from 'node:assert/strict';
import { test } from 'node:test';

import { corral, Folder } from './fetch/command.ts';

// Runs on Bun and Deno as well; on Node they are played.
const isNode = !('Bun' in globalThis) && !('Deno' in globalThis);

for (const [engine, versions] of [
  ['Bun', '{ bun: "1.4.5" }'],
  ['Deno', '{ deno: "2.9.6" }'],
] as const) {
  if (!isNode && !(engine in globalThis)) continue;
  test(`corral fetch: on ${engine} it says that it needs Node, and does nothing`, async () => {
    using folder = new Folder();
    const code = `Object.defineProperty(process, 'versions', { value: { ...process.versions, ...${versions} } })`;
    const nodeOptions = isNode ? ['--import', `data:text/javascript,${encodeURIComponent(code)}`] : [];
    const ended = await corral(['fetch', 'http://127.0.0.1:1/x', '-d', folder.at('out')], { nodeOptions });
    assert.match(
      ended.stderr,
      new RegExp(`^corral: Cannot run as the command needs Node.js .*: current value is ${engine} `),
    );
    assert.deepEqual([ended.code, ended.stdout, folder.tree().size], [2, '', 0]);
    assert.equal((await corral(['--version'], { nodeOptions })).code, 0);
  });
}
