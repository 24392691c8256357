/** The work of the case `small`, in a process of its own: the same for every client. */

/** `open(url, { concurrency })` gives `{ get() -> text, close() }`. CPU time is that of all threads, inside the phase. */
export async function load(open, { url, requests, concurrency, text, profiler }) {
  const client = await open(url, { concurrency });
  const work = { requests, concurrency, text };
  const cold = await phase(client.get, work);
  await profiler?.start();
  const warm = await phase(client.get, work);
  await profiler?.stop();
  const { maxRSS } = process.resourceUsage();
  await client.close();
  return {
    warm: warm.cpuUs / requests,
    cold: cold.cpuUs / requests,
    rate: (requests * 1000) / warm.wallMs,
    rss: maxRSS / 1024,
  };
}

async function phase(get, { requests, concurrency, text }) {
  let left = requests;
  async function work() {
    while (left > 0) {
      left -= 1;
      const got = await get();
      if (got !== text) throw new Error(`Cannot compare as the body has to be ${text}: it is ${got}`);
    }
  }
  const started = performance.now();
  const before = process.cpuUsage();
  await Promise.all(Array.from({ length: concurrency }, work));
  const { user, system } = process.cpuUsage(before);
  return { cpuUs: user + system, wallMs: performance.now() - started };
}
