/** got's side, with the newest version that its authors support on this Node. */
import { major } from '../lib/nodes.mjs';

const { default: got } = await import(major >= 22 ? 'got' : 'got-14');

export function gets(url) {
  return { get: () => got(url).text(), close: () => {} };
}
