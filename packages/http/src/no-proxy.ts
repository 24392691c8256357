import { bytesOf, isLoopback, sameStart } from './internal/ip-bytes.ts';

/** An entry of the list: parsed as hosts of URLs are, so that each spelling of a host is the same. */
interface Exception {
  /** Lower case, punycode, without a dot at either end; '*' for all. */
  readonly name: string;
  /** Of an address: its bytes, those of an IPv4 one alone. */
  readonly bytes: readonly number[] | undefined;
  /** How many bits of the address count. */
  readonly bits: number;
  readonly port: string | undefined;
  /** It is `localhost`, or an address of the machine itself: it stands for all of these. */
  readonly loopback: boolean;
}

let parsed: { readonly text: string; readonly exceptions: readonly Exception[] } = { text: '', exceptions: [] };

/**
 * Whether a list like that in `NO_PROXY` has the host of a URL.
 *
 * The list is separated by commas or spaces. An entry is a name, which stands for the names below it as well, with or
 * without a dot or `*.` in front; an address; a range of addresses (`10.0.0.0/8`, `fd00::/8`); or `*`. All but ranges may
 * have a port, and hold for that one only then. Names are compared without case and last dot, addresses as numbers, IPv4
 * ones within IPv6 included. `localhost`, `127.0.0.1` and `::1` are the same. Names are not looked up.
 */
export function isBypassed(url: URL, list: string): boolean {
  if (list === '') return false;
  if (parsed.text !== list) parsed = { text: list, exceptions: parseList(list) };
  const name = trimmed(url.hostname);
  const bytes = bytesOf(name);
  const port = url.port || (url.protocol === 'https:' ? '443' : '80');
  const loopback = isLoopback(name, bytes);
  return parsed.exceptions.some(
    (exception) =>
      (exception.port === undefined || exception.port === port) &&
      ((exception.loopback && loopback) || covers(exception, name, bytes)),
  );
}

function covers(exception: Exception, name: string, bytes: readonly number[] | undefined): boolean {
  if (exception.name === '*') return true;
  if (exception.bytes) return bytes !== undefined && sameStart(exception.bytes, bytes, exception.bits);
  return bytes === undefined && (name === exception.name || name.endsWith(`.${exception.name}`));
}

function parseList(list: string): readonly Exception[] {
  return list
    .split(/[\s,]+/)
    .map((text) => parseEntry(text))
    .filter((exception) => exception !== undefined);
}

/** Undefined for what is no host at all: it can stand for nothing. */
function parseEntry(text: string): Exception | undefined {
  if (text === '*') return { name: '*', bytes: undefined, bits: 0, port: undefined, loopback: false };
  const range = /^\[?([\d.]+|[\da-f:.]*:[\da-f:.]*)\]?\/(\d{1,3})$/i.exec(text);
  if (range) return parseRange(range[1] as string, Number(range[2]));
  const [, rest = ''] = /^(?:[a-z][a-z\d+.-]*:\/\/)?(?:\*?\.)?([^/?#@]*)/i.exec(text) ?? [];
  // With more than one colon outside of brackets it is an IPv6 address, and the last of them is none of a port.
  const bare = /:.*:/.test(rest) && !rest.startsWith('[');
  const [, host = rest, port] = (bare ? undefined : /^(.*?):(\d+)$/.exec(rest)) ?? [];
  const name = hostOf(bare ? `[${rest}]` : host);
  if (!name) return undefined;
  const bytes = bytesOf(name);
  return {
    name,
    bytes,
    bits: (bytes?.length ?? 0) * 8,
    port: port === undefined ? undefined : String(Number(port)),
    loopback: isLoopback(name, bytes),
  };
}

function parseRange(address: string, bits: number): Exception | undefined {
  const v6 = address.includes(':');
  // `10/8` is read as 10.0.0.0/8 by some and as 0.0.0.10/8 by others.
  if (bits > (v6 ? 128 : 32) || !(v6 || /^(\d+\.){3}\d+$/.test(address))) return undefined;
  const name = hostOf(v6 ? `[${address}]` : address);
  const bytes = name === undefined ? undefined : bytesOf(name);
  if (name === undefined || !bytes) return undefined;
  const mapped = v6 && bytes.length === 4;
  if (mapped && bits < 96) return undefined;
  return { name, bytes, bits: mapped ? bits - 96 : bits, port: undefined, loopback: false };
}

/** As the host of a URL would be written. */
function hostOf(text: string): string | undefined {
  try {
    return trimmed(new URL(`http://${text}`).hostname) || undefined;
  } catch {
    return undefined;
  }
}

function trimmed(name: string): string {
  return name.endsWith('.') ? name.slice(0, -1) : name;
}
