import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Certificate } from '../faults/certificates.ts';
import { findProgram, missingProgram, startProgram, type RunningProgram } from './program.ts';

/** False, or why tests with nginx are skipped. */
export function missingNginx(): string | false {
  return missingProgram('nginx', 'nginx-light');
}

export interface Nginx extends RunningProgram {
  /** `http://127.0.0.1:PORT` */
  readonly origin: string;
  /** `https://localhost:PORT`, HTTP/1.1 and HTTP/2; only with a certificate. */
  readonly tlsOrigin: string;
  /** Makes a file that is then at `/files/NAME`, `/gzip/NAME` and `/slow/NAME`. */
  put(name: string, content: string | Uint8Array): Promise<void>;
}

export interface NginxOptions {
  /** For `tlsOrigin`. Default: no TLS. */
  readonly tls?: Certificate;
  /** Of `/limited` and `/limited-503`, in requests per second. Default 10. */
  readonly requestsPerSecond?: number;
}

/** What `/small` answers: 128 bytes. */
export const SMALL = '0123456789abcdef'.repeat(8);

/**
 * Starts nginx, one process:
 *
 * - `/small`: `SMALL`; `/status`: stub_status
 * - `/files/NAME`: with ranges, ETag, Last-Modified; `/gzip/NAME`: compressed when asked; `/slow/NAME`: 20 kB/s
 * - `/limited`: `SMALL`, or 429 with `Retry-After: 1`; `/limited-503`: the same with 503 and no Retry-After
 */
export async function startNginx({ tls, requestsPerSecond = 10 }: NginxOptions = {}): Promise<Nginx> {
  const running = await startProgram(tls ? 2 : 1, async (folder, ports) => {
    await mkdir(join(folder, 'www'));
    await mkdir(join(folder, 'temp'));
    await writeFile(join(folder, 'www/small'), SMALL);
    await writeFile(join(folder, 'nginx.conf'), configOf(folder, ports, requestsPerSecond, tls));
    const args = ['-p', folder, '-c', join(folder, 'nginx.conf'), '-e', 'stderr'];
    return { program: findProgram('nginx') ?? 'nginx', args };
  });
  return {
    ...running,
    origin: `http://127.0.0.1:${running.ports[0]}`,
    tlsOrigin: `https://localhost:${running.ports[1]}`,
    put: (name, content) => writeFile(join(running.folder, 'www', name), content),
  };
}

function configOf(folder: string, ports: readonly number[], rate: number, tls: Certificate | undefined): string {
  const temps = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path temp/${name};`);
  const secure =
    tls &&
    `listen 127.0.0.1:${ports[1]} ssl http2; ssl_certificate ${tls.certFile}; ssl_certificate_key ${tls.keyFile};`;
  return `
    daemon off; master_process off; pid ${folder}/pid; error_log stderr warn;
    events { worker_connections 4096; }
    http {
      access_log off; default_type application/octet-stream; server_tokens off;
      keepalive_requests 1000000; tcp_nodelay on; sendfile on;
      ${temps.join(' ')}
      limit_req_zone $server_name zone=limited:1m rate=${rate}r/s;
      server {
        listen 127.0.0.1:${ports[0]} backlog=4096; ${secure ?? ''}
        server_name localhost;
        location = /small { return 200 ${SMALL}; }
        location = /status { stub_status; }
        location /files/ { alias ${folder}/www/; }
        location /gzip/ { alias ${folder}/www/; gzip on; gzip_types *; gzip_min_length 1; }
        location /slow/ { alias ${folder}/www/; limit_rate 20k; }
        location = /limited {
          alias ${folder}/www/small; limit_req zone=limited; limit_req_status 429; error_page 429 @wait;
        }
        location @wait { add_header Retry-After 1 always; return 429 wait; }
        location = /limited-503 { alias ${folder}/www/small; limit_req zone=limited; limit_req_status 503; }
      }
    }`;
}
