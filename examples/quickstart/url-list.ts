/** A list of URLs: one per line, # starts a comment, blank lines mean nothing. */
import { createReadStream } from 'node:fs';
import { addAbortSignal } from 'node:stream';
import { text } from 'node:stream/consumers';
import { isCancelled, withSignal } from 'corral';
import { UsageError } from './options.ts';

export interface UrlList {
  /** The file, or stdin. */
  readonly name: string;
  readonly urls: readonly string[];
  /** What is wrong with the other lines, each as "file:line: ...". */
  readonly complaints: readonly string[];
}

/**
 * Reads the list from `file`, or from stdin if that is '-'.
 *
 * Cancellable: somebody may press Ctrl-C while we wait for them to type.
 * @throws UsageError when the file cannot be read or lists nothing.
 */
export async function readUrlList(file: string): Promise<UrlList> {
  const name = file === '-' ? 'stdin' : file;
  const list = parseUrlList(name, await readAll(file, name));
  if (list.urls.length + list.complaints.length === 0) {
    throw new UsageError(`Cannot fetch the URLs in ${name} as one line at least must hold one: it lists none`);
  }
  return list;
}

async function readAll(file: string, name: string): Promise<string> {
  try {
    return await withSignal((signal) => {
      return text(addAbortSignal(signal, file === '-' ? process.stdin : createReadStream(file)));
    });
  } catch (error) {
    if (isCancelled(error)) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new UsageError(`Cannot fetch the URLs in ${name} as it must be a readable text file: ${reason}`, {
      cause: error,
    });
  }
}

function parseUrlList(name: string, content: string): UrlList {
  const urls: string[] = [];
  const complaints: string[] = [];
  content.split(/\r?\n/).forEach((line, index) => {
    const entry = line.replace(/(^|\s)#.*$/, '').trim(); // a # inside a URL is part of it
    if (entry === '') return;
    if (isHttpUrl(entry)) urls.push(entry);
    else
      complaints.push(
        `${name}:${index + 1}: Cannot fetch this line as it must be an http or https URL: current value is "${entry}"`,
      );
  });
  return { name, urls, complaints };
}

function isHttpUrl(entry: string): boolean {
  return URL.canParse(entry) && /^https?:$/.test(new URL(entry).protocol);
}
