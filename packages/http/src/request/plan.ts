/** A request as the caller gave it: checked, merged with the session's options, and ready to be sent. */

import type { EncodedBody } from '../body/request-body.ts';
import type { RetryPolicy } from '../retry/retry-policy.ts';
import type { Middleware } from './middleware.ts';
import type { RedirectOptions } from './redirect.ts';
import type { HeaderList } from './header-list.ts';

export interface Plan {
  readonly method: string;
  readonly url: URL;
  readonly headers: HeaderList;
  readonly body: EncodedBody | undefined;
  readonly retry: RetryPolicy;
  /** Undefined where redirects are not followed. */
  readonly redirect: RedirectOptions | undefined;
  readonly raiseForStatus: boolean;
  readonly maxBytes: number;
  readonly decompress: boolean;
  readonly use: readonly Middleware[];
}
