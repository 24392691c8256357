import pTimeout from 'p-timeout';

const call = async () => 1;

export async function timeouts(calls) {
  let total = 0;
  for (let i = 0; i < calls; i += 1) total += await pTimeout(call(), { milliseconds: 1000 });
  return total;
}
