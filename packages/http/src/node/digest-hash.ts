import { createHash } from 'node:crypto';
import type { DigestHash } from '../auth/digest.ts';

const NAMES = { md5: 'md5', 'sha-256': 'sha256', 'sha-512-256': 'sha512-256' } as const;

/** The hashes of digest authentication by Node; MD5 throws where Node runs in FIPS mode. */
export const digestHash: DigestHash = (algorithm, text) =>
  createHash(NAMES[algorithm]).update(text, 'utf8').digest('hex');
