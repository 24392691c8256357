const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];

const IMF = /^[a-z]{3}, (\d{2}) ([a-z]{3}) (\d{4}) (\d{2}):(\d{2}):(\d{2}) (?:gmt|utc)$/i;
const RFC_850 = /^[a-z]{6,9}, (\d{2})-([a-z]{3})-(\d{2}) (\d{2}):(\d{2}):(\d{2}) (?:gmt|utc)$/i;
const ASCTIME = /^[a-z]{3} ([a-z]{3}) ([ \d]\d) (\d{2}):(\d{2}):(\d{2}) (\d{4})$/i;

/**
 * The time that an HTTP date names, in milliseconds since 1970; undefined when it is none.
 *
 * Reads the three formats of RFC 9110, section 5.6.7, and nothing else: `Date.parse` takes almost anything for a date, `-1`
 * among it. `nowMs` decides the century of a year with two digits: no date is more than 50 years ahead.
 */
export function parseHttpDate(value: string, nowMs: number): number | undefined {
  const text = value.trim();
  const found = IMF.exec(text) ?? RFC_850.exec(text);
  if (found) return time(found[3], found[2], found[1], found.slice(4), nowMs);
  const old = ASCTIME.exec(text);
  return old ? time(old[6], old[1], old[2], old.slice(3), nowMs) : undefined;
}

function time(y = '', m = '', d = '', clock: readonly string[], nowMs: number): number | undefined {
  const [hour = 0, minute = 0, second = 0] = clock.map(Number);
  const month = MONTHS.indexOf(m.toLowerCase());
  const day = Number(d);
  // A leap second is a time; it is the one before for a clock that knows none.
  if (month < 0 || hour > 23 || minute > 59 || second > 60) return undefined;
  const ms = Date.UTC(fullYear(y, nowMs), month, day, hour, minute, Math.min(second, 59));
  return new Date(ms).getUTCDate() === day ? ms : undefined;
}

function fullYear(digits: string, nowMs: number): number {
  const year = Number(digits);
  if (digits.length > 2) return year;
  const now = new Date(nowMs).getUTCFullYear();
  const near = now - (now % 100) + year;
  return near > now + 50 ? near - 100 : near;
}
