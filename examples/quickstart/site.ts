/**
 * The embedded web site: the other side of the quickstart, plain node:http.
 *
 * Look at: `site`, a resource. What stands before its `yield` opens it, what stands after it closes it, and `use` sees to
 * it that the closing is reached, and not cut off by the Ctrl-C that led there.
 *
 * It misbehaves the way the web does: slow answers, errors that go away, "come back later", silence. What happens to a
 * request depends on the seed, the page and how often the page was asked for, and on nothing else, so two runs with one
 * seed meet the same trouble.
 */
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { nextEvent, resource } from 'corral';

export interface SiteOptions {
  readonly pages: number;
  readonly seed: number;
}

/** A page behaves better each time; from this try on it behaves: whoever retries three times gets everything. */
const HEALTHY_FROM_TRY = 3;

/** Gives the origin: `use(site({ pages: 10, seed: 1 }), (origin) => fetch(`${origin}/page/1`))`. */
export const site = resource(async function* site({ pages, seed }: SiteOptions) {
  const tries = new Map<string, number>();
  const server = createServer((request, response) => {
    const path = request.url ?? '/';
    const attempt = tries.get(path) ?? 0;
    tries.set(path, attempt + 1);
    const body = contentOf(path, pages, seed);
    if (body === undefined) return send(response, 404, 'no such page');
    if (!path.startsWith('/page/')) return send(response, 200, body);
    return answer(response, body, randomSource(seed, path, attempt), attempt);
  });
  try {
    server.listen(0, '127.0.0.1');
    await nextEvent(server, 'listening'); // or its 'error' is thrown
    yield `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  } finally {
    server.close().closeAllConnections(); // hung connections would keep the server open for ever
    await nextEvent(server, 'close');
  }
});

// How a request is answered ------------------------------------------------------------------------------------------

function answer(response: ServerResponse, body: string, random: () => number, attempt: number): void {
  const latencyMs = 20 + 60 * random();
  const dice = attempt < HEALTHY_FROM_TRY ? random() * (1 + 2 * attempt) : 1;
  if (dice < 0.07) later(response, latencyMs, () => send(response, 500, 'the database has hiccups'));
  else if (dice < 0.08) later(response, latencyMs, () => send(response, 429, 'too busy', { 'retry-after': '1' }));
  else if (dice < 0.1) return; // hung: the connection stays open and silent
  else if (dice < 0.11) later(response, latencyMs, () => stall(response, body));
  else if (dice < 0.14) later(response, 1000 + 2000 * random(), () => send(response, 200, body)); // the slow tail
  else later(response, latencyMs, () => send(response, 200, body));
}

function later(response: ServerResponse, ms: number, act: () => void): void {
  const timer = setTimeout(act, ms);
  response.once('close', () => clearTimeout(timer)); // nobody waits for it any more
}

function send(response: ServerResponse, status: number, body: string, headers: Record<string, string> = {}): void {
  const type = body.startsWith('<') ? 'text/html; charset=utf-8' : 'text/plain; charset=utf-8';
  response.writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(body), ...headers });
  response.end(body);
}

/** Half a page, then silence: a timeout has to cover the body too, not just the headers. */
function stall(response: ServerResponse, body: string): void {
  response.writeHead(200, { 'content-type': 'text/html; charset=utf-8', 'content-length': Buffer.byteLength(body) });
  response.write(body.slice(0, body.length / 2));
}

// What the site says -------------------------------------------------------------------------------------------------

const WORDS = `herd rope gate dust river fence rider saddle valley thunder lantern trail meadow canyon harness branding
  night stray barn hay drover stampede water bell campfire ridge horizon mustang wrangler spur corral leather`.split(
  /\s+/,
);

function contentOf(path: string, pages: number, seed: number): string | undefined {
  if (path === '/') return html('The Corral Gazette', `<p>${pages} stories. <a href="/page/0">Begin here</a>.</p>`);
  if (path === '/robots.txt') return 'User-agent: *\nDisallow: /drafts/\n';
  if (path === '/sitemap.txt') return [...listPages(pages), '/drafts/0', '/drafts/1'].join('\n');
  const number = Number(/^\/page\/(\d+)$/.exec(path)?.[1] ?? NaN);
  return number < pages ? story(number, pages, randomSource(seed, path, -1)) : undefined;
}

function listPages(pages: number): string[] {
  return Array.from({ length: pages }, (_, number) => `/page/${number}`);
}

function story(number: number, pages: number, random: () => number): string {
  const pick = (): string => WORDS[Math.floor(random() * WORDS.length)]!;
  const paragraph = (): string => {
    const words = Array.from({ length: 40 + Math.floor(80 * random()) }, pick);
    return `<p>${words.join(' ')}, <a href="/page/${Math.floor(random() * pages)}">${pick()}</a>.</p>`;
  };
  const paragraphs = Array.from({ length: 2 + Math.floor(10 * random()) }, paragraph);
  return html(`Story ${number}: the ${pick()} and the ${pick()}`, paragraphs.join('\n'));
}

function html(title: string, body: string): string {
  return `<!doctype html>\n<html lang="en"><head><title>${title}</title></head>\n<body><h1>${title}</h1>\n${body}\n</body></html>\n`;
}

/** Repeatable random numbers in [0, 1), other ones for each seed, path and attempt (FNV-1a, then mulberry32). */
function randomSource(seed: number, path: string, attempt: number): () => number {
  let state = 0x811c9dc5;
  for (const char of `${seed} ${attempt} ${path}`) state = Math.imul(state ^ char.charCodeAt(0), 0x01000193);
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
