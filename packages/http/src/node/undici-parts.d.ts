/** The parts of undici that are loaded by themselves: those of the one version that package.json names. */

declare module 'undici/lib/dispatcher/client.js' {
  const Client: typeof import('undici').Client;
  export default Client;
}

declare module 'undici/lib/core/util.js' {
  const util: typeof import('undici').util;
  export default util;
}
