/** What is wrong with a header for a request, or undefined. Line breaks would let one header smuggle in another. */
export function checkHeader(name: string, value: string): string | undefined {
  if (!/^[!#$%&'*+.^_`|~0-9a-z-]+$/i.test(name)) return 'its name must be made of letters, digits and dashes';
  if (/[^\t\x20-\x7e\x80-\xff]/.test(value))
    return `the value of ${name} must hold no line break and no control character`;
  if (RESERVED.has(name.toLowerCase())) return `${name.toLowerCase()} is set by the client itself`;
  return undefined;
}

const RESERVED = new Set([
  'host',
  'content-length',
  'transfer-encoding',
  'connection',
  'range',
  'if-range',
  'expect',
  'upgrade',
]);
