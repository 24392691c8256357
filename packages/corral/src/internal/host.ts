/** What `run` needs of a server's process, where there is one. */

/** The part of Node's `process` (Bun and Deno have it too) that is used. */
export interface HostProcess {
  exitCode?: number | string | null | undefined;
  on(event: string, listener: (...args: never[]) => void): unknown;
  off(event: string, listener: (...args: never[]) => void): unknown;
  exit(code: number): never;
}

/** The process; undefined in browsers. */
export const hostProcess: HostProcess | undefined = (() => {
  const candidate = (globalThis as unknown as { process?: Partial<HostProcess> }).process;
  return typeof candidate?.on === 'function' && typeof candidate.exit === 'function'
    ? (candidate as HostProcess)
    : undefined;
})();
