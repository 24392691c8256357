/** The process of one contender: `client.mjs '{"caseName", "contender", "params", "profile"}'` prints its result. */
import { writeFileSync } from 'node:fs';

import { loadSuite } from '../lib/suite.mjs';

const { caseName, contender: name, params, profile } = JSON.parse(process.argv[2]);
const cases = await loadSuite('http');
const { contenders, run } = cases.find((candidate) => candidate.name === caseName);
const body = await contenders.find((candidate) => candidate.name === name).load(params);
const profiler = profile === undefined ? undefined : await openProfiler(profile);
const result = await run(body, { ...params, profiler });
if (result !== undefined) console.log(JSON.stringify(result));

/** The case says when the profile begins and ends. */
async function openProfiler(file) {
  const { Session } = await import('node:inspector/promises');
  const session = new Session();
  session.connect();
  await session.post('Profiler.enable');
  await session.post('Profiler.setSamplingInterval', { interval: 200 });
  return {
    start: () => session.post('Profiler.start'),
    async stop() {
      const { profile: taken } = await session.post('Profiler.stop');
      writeFileSync(file, JSON.stringify(taken));
      session.disconnect();
    },
  };
}
