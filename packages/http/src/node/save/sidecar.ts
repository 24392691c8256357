/** NAME.part.json: of which version the bytes in NAME.part are. Never there with the bytes of another version. */

import { constants } from 'node:fs';
import { open, rename, unlink } from 'node:fs/promises';
import type { Version } from '../../save/version.ts';
import { onFile, unlessAbsent } from './file-errors.ts';
import type { Place } from './place.ts';

const { O_CREAT, O_EXCL, O_RDONLY, O_WRONLY } = constants;
/** Windows has none. */
export const O_NOFOLLOW = constants.O_NOFOLLOW ?? 0;
const O_NONBLOCK = constants.O_NONBLOCK ?? 0;
const FORMAT = 1;
const LONGEST = 64 * 1024;

/** What it says; undefined when it is not there, or is not one of ours. */
export async function readSidecar({ path, sidecar }: Place): Promise<Version | undefined> {
  const text = await unlessAbsent(path, async () => {
    // What is no file but a pipe would be waited for, and none could end that.
    const file = await open(sidecar, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    try {
      return (await file.stat()).size > LONGEST ? '' : await file.readFile('utf8');
    } finally {
      await file.close();
    }
  });
  return text === undefined ? undefined : parsed(text);
}

/** Puts it there as a whole or not at all. How much was written is for people: what counts is the size of the part. */
export async function writeSidecar({ path, sidecar }: Place, version: Version, written: number): Promise<void> {
  const text = `${JSON.stringify({ format: FORMAT, ...version, written })}\n`;
  const draft = `${sidecar}~`;
  await onFile(path, async () => {
    await unlessAbsent(path, () => unlink(draft)); // left by a run that was killed
    // The URL may hold a secret: nobody else may read it.
    const file = await open(draft, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
    try {
      await file.writeFile(text);
    } finally {
      await file.close();
    }
    await rename(draft, sidecar);
  });
}

export async function removeSidecar({ path, sidecar }: Place): Promise<void> {
  await unlessAbsent(path, () => unlink(sidecar));
}

function parsed(text: string): Version | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined; // torn: as good as none
  }
  if (typeof value !== 'object' || value === null) return undefined;
  const { format, url, finalUrl, etag, lastModified, validator, total } = value as Record<string, unknown>;
  if (format !== FORMAT || typeof finalUrl !== 'string') return undefined;
  if (total !== undefined && !Number.isSafeInteger(total)) return undefined;
  return {
    url: textIn(url),
    finalUrl,
    etag: textIn(etag),
    lastModified: textIn(lastModified),
    validator: textIn(validator),
    total: total as number | undefined,
  };
}

function textIn(value: unknown): string | undefined {
  // What goes into a header must fit on its line.
  return typeof value === 'string' && !/[\r\n\0]/.test(value) ? value : undefined;
}
