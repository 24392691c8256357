import type { Fields } from '../item.ts';

/**
 * A line of a plain list: a URL, or a URL, a tab and a file name. Undefined for a blank line and for a comment, which is
 * a # at the beginning or behind white space: one inside a URL is part of it.
 */
export function readTextLine(line: string): Fields | undefined {
  const text = line.replace(/(^|\s)#.*$/, '');
  const tab = text.indexOf('\t');
  const url = (tab < 0 ? text : text.slice(0, tab)).trim();
  const out = tab < 0 ? '' : text.slice(tab + 1).trim();
  if (url === '' && out === '') return undefined;
  return { url, out };
}
