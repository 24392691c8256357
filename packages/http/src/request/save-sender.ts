/** How a download asks for its body, over and over if it has to. */

import type { Scope } from 'corral';
import { platform } from '../platform/platform.ts';
import type { SaveResult, SaveToOptions, SavedResponse } from '../save/contract.ts';
import type { SessionCore } from '../session/core.ts';
import type { Journey } from './journey.ts';
import { Performance } from './perform.ts';
import type { Plan } from './plan.ts';

/** Statuses that a download deals with itself. */
const EXPECTED = new Set([412, 416]);

export function save(
  core: SessionCore,
  plan: Plan,
  journey: () => Journey,
  scope: Scope,
  path: string | URL,
  options: SaveToOptions | undefined,
): Promise<SaveResult> {
  const { saveTo, name } = platform();
  if (!saveTo) throw new TypeError(`Cannot saveTo as this platform has no files: it is '${name}'`);
  if (plan.method === 'HEAD')
    throw new TypeError('Cannot saveTo as the answer must have a body: current value is HEAD');
  const send = async (headers: Readonly<Record<string, string>>): Promise<SavedResponse> => {
    const asked = plan.headers.with(Object.entries(headers).flatMap(([key, value]) => [key.toLowerCase(), value]));
    const own: Plan = { ...plan, headers: asked, decompress: false, raiseForStatus: false };
    const response = await new Performance(core, own, journey(), scope).perform();
    return EXPECTED.has(response.status) ? response : response.raiseForStatus();
  };
  return saveTo(send, path, { scope, url: plan.url.href, ...options });
}
