import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Certificate } from '../faults/certificates.ts';
import { findProgram, missingProgram, startProgram, type RunningProgram } from './program.ts';

/** False, or why tests with nghttpd are skipped. */
export function missingNghttpd(): string | false {
  return missingProgram('nghttpd', 'nghttp2-server');
}

export interface Nghttpd extends RunningProgram {
  /** `https://localhost:PORT`, or `http://127.0.0.1:PORT` without a certificate; HTTP/2 only. */
  readonly origin: string;
  /** Makes a file that is then at `/NAME`. */
  put(name: string, content: string | Uint8Array): Promise<void>;
}

export interface NghttpdOptions {
  /** Default: no TLS (h2c). */
  readonly tls?: Certificate;
  /** Default 100. */
  readonly maxConcurrentStreams?: number;
}

/** Starts nghttpd: HTTP/2 and nothing else, static files. */
export async function startNghttpd({ tls, maxConcurrentStreams = 100 }: NghttpdOptions = {}): Promise<Nghttpd> {
  const running = await startProgram(1, async (folder, ports) => {
    await mkdir(join(folder, 'www'));
    const options = ['-a', '127.0.0.1', '-d', join(folder, 'www'), '-m', String(maxConcurrentStreams)];
    const secure = tls ? [String(ports[0]), tls.keyFile, tls.certFile] : ['--no-tls', String(ports[0])];
    return { program: findProgram('nghttpd') ?? 'nghttpd', args: [...options, ...secure] };
  });
  return {
    ...running,
    origin: tls ? `https://localhost:${running.ports[0]}` : `http://127.0.0.1:${running.ports[0]}`,
    put: (name, content) => writeFile(join(running.folder, 'www', name), content),
  };
}
