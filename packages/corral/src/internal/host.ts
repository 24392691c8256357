/** The platform: what is asked about it in more than one place. */

/** The part of Node's `process` (Bun and Deno have it too) that is used. */
export interface HostProcess {
  exitCode?: number | string | null | undefined;
  on(event: string, listener: (...args: never[]) => void): unknown;
  off(event: string, listener: (...args: never[]) => void): unknown;
  exit(code: number): never;
}

/** The process; undefined in browsers. */
export const hostProcess: HostProcess | undefined = /* @__PURE__ */ findProcess();

function findProcess(): HostProcess | undefined {
  const candidate = (globalThis as unknown as { process?: Partial<HostProcess> }).process;
  return typeof candidate?.on === 'function' && typeof candidate.exit === 'function'
    ? (candidate as HostProcess)
    : undefined;
}

/** Whether timers and turns belong to the request in which they were asked for, and die with it (workerd). */
export const perRequest =
  (globalThis as { navigator?: { userAgent?: string } }).navigator?.userAgent === 'Cloudflare-Workers';
