import { shown } from '../internal/checks.ts';

const TOKEN = /^[!#$%&'*+.^_`|~\dA-Za-z-]+$/;
/** What no value of a header may have: control characters except the tab, and what does not fit into a byte. */
const UNFIT = /[^\t\u0020-\u007E\u0080-\u00FF]/;

/** Whether a text is a token of RFC 9110: what methods and names of headers are made of. */
export function isToken(text: unknown): text is string {
  return typeof text === 'string' && TOKEN.test(text);
}

/** @throws {TypeError} when a header cannot have this name. */
export function checkHeaderName(name: unknown): asserts name is string {
  if (isToken(name)) return;
  throw new TypeError(
    `Cannot send a header as its name takes letters, digits and !#$%&'*+-.^_\`|~: current value is ${shown(name)}`,
  );
}

/**
 * Whoever can put a line break into a header writes headers, and requests, of his own.
 *
 * @throws {TypeError} when the value is no text, or has line breaks, NUL, other control characters or characters above
 * U+00FF. The header is named; the value, which may be a secret, is not shown.
 */
export function checkHeaderValue(name: string, value: unknown): asserts value is string {
  if (typeof value !== 'string') {
    throw new TypeError(`Cannot send header ${name} as its value must be a string: current value is a ${typeof value}`);
  }
  const found = UNFIT.exec(value);
  if (!found) return;
  const code = value.charCodeAt(found.index).toString(16).toUpperCase().padStart(4, '0');
  throw new TypeError(
    `Cannot send header ${name} as its value must have neither line breaks nor other control characters nor any above ` +
      `U+00FF: current value has U+${code} at ${found.index}`,
  );
}
