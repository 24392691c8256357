import { authentication } from './authentication.ts';
import { bodies } from './bodies.ts';
import { closing } from './closing.ts';
import { cookies } from './cookies.ts';
import { encodings } from './encodings.ts';
import type { Fault } from './fault.ts';
import { files } from './files.ts';
import { framing } from './framing.ts';
import { headers } from './headers.ts';
import { informational } from './informational.ts';
import { notHttp } from './not-http.ts';
import { redirects } from './redirects.ts';
import { statuses } from './statuses.ts';
import { streams } from './streams.ts';
import { timing } from './timing.ts';
import { uploads } from './uploads.ts';

/** All faults by name. */
export const faults = {
  ...timing,
  ...informational,
  ...framing,
  ...closing,
  ...encodings,
  ...redirects,
  ...headers,
  ...notHttp,
  ...statuses,
  ...authentication,
  ...bodies,
  ...streams,
  ...files,
  ...uploads,
  ...cookies,
};

export type FaultName = keyof typeof faults;
export type FaultParams<N extends FaultName> = (typeof faults)[N] extends Fault<infer P> ? P : never;
