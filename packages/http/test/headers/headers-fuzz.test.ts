import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { parseChallenges } from '../../src/auth/challenge.ts';
import { parseNetrc } from '../../src/auth/netrc.ts';
import { fileNameFrom } from '../../src/headers/content-disposition.ts';
import { parseContentType } from '../../src/headers/content-type.ts';
import { parseLinks } from '../../src/headers/link.ts';
import { redactUrl } from '../../src/headers/redact.ts';
import { parseRetryAfter } from '../../src/headers/retry-after.ts';

/** Texts of the pieces that these grammars are made of, and of anything else. */
const PIECES =
  "\" \\ ; , = < > * ' % %2 UTF-8'' filename rel title* charset a / .. \u0000 \u00E9 \u20AC \uD800 @ : ? & # token Digest nonce __proto__";
const piece = fc.constantFrom(' ', '\t', ...PIECES.split(' '));
const text = fc.oneof(
  fc.array(piece, { maxLength: 30 }).map((pieces) => pieces.join('')),
  fc.string({ unit: 'binary' }),
);

test('headers: no text makes a parser throw or gives it a prototype', () => {
  fc.assert(
    fc.property(text, (value) => {
      parseContentType(value);
      parseNetrc(value);
      for (const { params } of [...parseLinks(value), ...parseChallenges(value)]) {
        assert.equal(Object.getPrototypeOf(params), null);
      }
      const retry = parseRetryAfter(value, 0);
      assert.ok(retry === undefined || (Number.isSafeInteger(retry) && retry >= 0));
    }),
    { numRuns: 2_000 },
  );
});

test('fileNameFrom: no text gives a name that leaves its folder', () => {
  fc.assert(
    fc.property(text, (value) => {
      for (const header of [value, `attachment; filename="${value}"`, `attachment; filename*=UTF-8''${value}`]) {
        const name = fileNameFrom(header);
        if (name === undefined) continue;
        assert.doesNotMatch(name, /[/\\\u0000-\u001F\u007F]|^\.{0,2}$|[. ]$/);
      }
    }),
    { numRuns: 2_000 },
  );
});

test('redactUrl: no credentials that a URL has are left', () => {
  const secret = fc
    .stringMatching(/^[A-Za-z0-9:@!$%&'()*+,;=._~-]{6,20}$/)
    .filter((value) => value.replace(/[^A-Za-z]/g, '').length > 4);
  fc.assert(
    fc.property(secret, (value) => {
      const shown = redactUrl(`https://user:${value}@example.org/path?token=${encodeURIComponent(value)}`);
      assert.equal(shown, 'https://***@example.org/path?token=***');
    }),
    { numRuns: 1_000 },
  );
});

test('headers: long texts take linear time', { timeout: 20_000 }, () => {
  for (const part of [
    '"',
    '\\"',
    ';',
    ',',
    '=',
    '<',
    '<a>;',
    'a=',
    ' ',
    '\t;',
    "%'",
    'a=",',
    '?a=',
    '@',
    '&token=x',
    '#',
    'Digest ',
    '. ',
  ]) {
    const long = part.repeat(200_000 / part.length);
    for (const parse of [parseContentType, parseLinks, parseChallenges, fileNameFrom, parseNetrc, redactUrl])
      parse(long);
    parseRetryAfter(long, 0);
    redactUrl(`http://${long}`);
    fileNameFrom(`attachment; filename*=UTF-8''${long}`);
  }
});
