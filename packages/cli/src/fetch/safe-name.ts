/** Names of files that are safe on every system: nothing from a URL, a server or a list can leave the directory. */
import { createHash } from 'node:crypto';

/** The longest part of a path in bytes is 255; `.part.json` must fit behind it. */
const MOST_BYTES = 255 - '.part.json'.length;
const DEVICE = /^(?:con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³])(?:\..*)?$/i;
/** Control characters, what Windows refuses, separators, and characters that turn the direction of text. */
const UNSAFE = /[\x00-\x1f\x7f-\x9f<>:"|?*\\/\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;
/** What unfinished files are called. */
const RESERVED = /\.part(?:\.json)?$/i;

/** One part of a path made safe: whatever comes in, what goes out is the name of a file in the directory it is put into. */
export function safePart(raw: string): string {
  let name = Buffer.from(raw).toString().normalize('NFC').replace(UNSAFE, '_');
  name = name.replace(/[. ]+$/, (end) => '_'.repeat(end.length)).replace(/^ +/, '_');
  if (DEVICE.test(name)) name = `_${name}`;
  if (RESERVED.test(name)) name = `${name}_`;
  return shorten(name === '' ? '_' : name);
}

/** What is wrong with a file that the input asks for, as in "must be ...", or undefined. */
export function checkOut(out: string): string | undefined {
  if (/^[/\\]|^[a-z]:/i.test(out)) return 'be relative to the directory';
  for (const part of out.split('/')) {
    if (part === '..' || part === '.') return 'not go up or stay: no part may be ".." or "."';
    if (part === '') return 'have no empty part';
    if (RESERVED.test(part)) return 'not end in .part or .part.json, which unfinished files are called';
    if (Buffer.byteLength(part) > MOST_BYTES) return `have parts of at most ${MOST_BYTES} bytes`;
    if (safePart(part) !== part.normalize('NFC')) return 'be made of names that are allowed on every system';
  }
  return undefined;
}

/** Long names keep their beginning and their extension; a hash of all of it keeps them apart. */
function shorten(name: string): string {
  if (Buffer.byteLength(name) <= MOST_BYTES) return name;
  const hash = createHash('sha1').update(name).digest('hex').slice(0, 12);
  const { ext } = splitExtension(name);
  const end = `~${hash}${ext}`;
  let head = '';
  let room = MOST_BYTES - Buffer.byteLength(end);
  for (const character of name) {
    room -= Buffer.byteLength(character);
    if (room < 0) break;
    head += character;
  }
  return head + end;
}

/** `a.tar.gz` is `a` and `.tar.gz`, `a.b` is `a` and `.b`; what is long or odd behind the last dot is no extension. */
export function splitExtension(name: string): { stem: string; ext: string } {
  const match = /(?!^)(?:\.tar)?\.[a-z0-9]{1,10}$/i.exec(name);
  return match === null ? { stem: name, ext: '' } : { stem: name.slice(0, match.index), ext: match[0] };
}

/** `a.txt` becomes `a-2.txt`. */
export function numbered(name: string, number: number): string {
  const { stem, ext } = splitExtension(name);
  return shorten(`${stem}-${number}${ext}`);
}
