/** `--name`: what a file is called, as a template over the URL. */
import { createHash } from 'node:crypto';
import { UsageError } from '../usage-error.ts';
import type { Item } from './item.ts';
import { safePart, splitExtension } from './safe-name.ts';

export type Template = (item: Item) => string;

type Part = string | ((facts: Facts) => string);

interface Facts {
  readonly item: Item;
  readonly url: URL;
  /** The parts of the path, decoded and safe. */
  readonly path: readonly string[];
  readonly ext: string;
}

const VARIABLES: Readonly<Record<string, (facts: Facts) => string>> = {
  host: ({ url }) => safePart(url.host),
  path: ({ path }) => path.join('/'),
  name: ({ path }) => path.at(-1) ?? '_',
  stem: ({ path }) => splitExtension(path.at(-1) ?? '_').stem,
  ext: ({ ext }) => ext,
  n: ({ item }) => String(item.n),
  sha1: ({ item }) => createHash('sha1').update(item.url).digest('hex'),
  id: ({ item }) => safePart(item.id),
};

/**
 * Compiles a template; what it makes is a path below the directory, each part of it safe.
 *
 * @throws {UsageError} when it has a variable that does not exist, an open brace, or leaves the directory.
 */
export function parseTemplate(text: string): Template {
  const parts = [...split(text)];
  const fixed = parts.map((part) => (typeof part === 'string' ? part : 'x')).join('');
  if (fixed === '' || fixed.startsWith('/') || fixed.split(/[/\\]/).includes('..')) {
    throw wrong(text, 'make a relative path');
  }
  return (item) => {
    const url = new URL(item.url);
    const path = pathOf(url);
    const ext = splitExtension(lastSegment(url)).ext;
    const facts: Facts = { item, url, path, ext: ext.toLowerCase() };
    const raw = parts.map((part) => (typeof part === 'string' ? part : part(facts))).join('');
    const safe = raw.split('/').filter((part) => part !== '' && part !== '.');
    return safe.map((part) => safePart(part)).join('/') || '_';
  };
}

function* split(text: string): Generator<Part> {
  for (const token of text.match(/\{\{|\}\}|\{[^{}]*\}|[{}]|[^{}]+/g) ?? []) {
    if (token === '{{' || token === '}}') yield token.charAt(0);
    else if (token === '{' || token === '}') throw wrong(text, 'close its braces ({{ is a brace)');
    else if (token.startsWith('{')) yield variable(text, token.slice(1, -1));
    else yield token;
  }
}

function variable(text: string, name: string): (facts: Facts) => string {
  const padded = /^n:0?(\d{1,2})$/.exec(name);
  if (padded !== null) return ({ item }) => String(item.n).padStart(Number(padded[1]), '0');
  const found = Object.hasOwn(VARIABLES, name) ? VARIABLES[name] : undefined;
  if (found !== undefined) return found;
  const known = Object.keys(VARIABLES).map((key) => `{${key}}`);
  throw wrong(text, `use ${known.join(' ')} and {n:06} only, not {${name}}`);
}

/** The path of a URL as parts of a file name; a query follows the last one behind an @. */
function pathOf(url: URL): readonly string[] {
  const parts = url.pathname.split('/').slice(1);
  const last = parts.pop() ?? '';
  const query = url.search.length > 1 ? `@${decode(url.search.slice(1))}` : '';
  parts.push(`${last === '' ? 'index.html' : decode(last)}${query}`);
  return parts
    .filter((part) => part !== '')
    .map((part, index, all) => safePart(index === all.length - 1 ? part : decode(part)));
}

function lastSegment(url: URL): string {
  return decode(url.pathname.slice(url.pathname.lastIndexOf('/') + 1));
}

/** What is no valid encoding stays as it is. */
function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function wrong(text: string, wanted: string): UsageError {
  return new UsageError(`Cannot use --name as it must ${wanted}: current value is ${JSON.stringify(text)}`);
}
