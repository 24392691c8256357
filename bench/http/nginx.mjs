/** The server of the suite: one nginx worker on a free port, with its configuration in a temporary folder. */
import { spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { findProgram, pinned } from '../lib/programs.mjs';

export const nginx = findProgram('nginx');

const START_MS = 5000;

/** What `GET /small` answers: 128 bytes. */
export const SMALL = 'structured concurrency '.repeat(6).slice(0, 128);

/** Serves {@link SMALL} and the files of `folder`; resolves once it accepts connections. */
export async function startNginx(folder, core) {
  const own = join(folder, 'nginx');
  mkdirSync(own);
  const port = await freePort();
  const configuration = join(own, 'nginx.conf');
  writeFileSync(configuration, configure({ own, folder, port }));
  const [program, ...args] = pinned(core, [nginx, '-p', own, '-c', configuration, '-e', join(own, 'error.log')]);
  const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  const stop = () => child.kill();
  process.once('exit', stop);
  const ended = new Promise((resolve) => {
    child.once('close', resolve);
  });
  let complaint = '';
  child.stderr.on('data', (text) => {
    complaint += text;
  });
  await untilAccepting(
    port,
    () => child.exitCode === null,
    () => complaint,
  );
  return {
    origin: `http://127.0.0.1:${port}`,
    close: async () => {
      process.off('exit', stop);
      stop();
      await ended;
    },
  };
}

function configure({ own, folder, port }) {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  return `
    ${process.getuid?.() === 0 ? 'user root;' : ''}
    daemon off;
    worker_processes 1;
    worker_rlimit_nofile 4096;
    pid ${own}/nginx.pid;
    events { worker_connections 2048; }
    http {
      access_log off;
      sendfile on;
      tcp_nopush on;
      keepalive_timeout 600s;
      keepalive_requests 1000000000;
      default_type application/octet-stream;
      ${temporary.map((name) => `${name}_temp_path ${own}/${name};`).join('\n      ')}
      server {
        listen 127.0.0.1:${port} backlog=1024;
        root ${folder};
        location = /small { default_type text/plain; return 200 '${SMALL}'; }
      }
    }
  `;
}

/** nginx cannot choose a port itself: one that was free a moment ago. */
function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

async function untilAccepting(port, isRunning, complaint) {
  const end = performance.now() + START_MS;
  while (!(await accepts(port))) {
    if (!isRunning() || performance.now() > end) throw new Error(`Cannot start nginx: ${complaint()}`);
    await sleep(20);
  }
}

function accepts(port) {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
