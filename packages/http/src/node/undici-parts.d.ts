/** The parts of undici that are loaded by themselves: those of the one version that package.json names. */

declare module 'undici/lib/dispatcher/client.js' {
  import type { Client as ClientOfUndici } from 'undici';

  const Client: typeof ClientOfUndici;
  export default Client;
}

declare module 'undici/lib/core/util.js' {
  import type { util as utilOfUndici } from 'undici';

  const util: typeof utilOfUndici;
  export default util;
}
