import { expect, it } from 'vitest';
import { isoTime, showTime } from './show.ts';
import { parseTime, sourceDateEpoch } from './time.ts';

it.each([
  ['@0', 0, 0],
  ['@1700000000', 1_700_000_000, 0],
  ['@1.5', 1, 500_000_000],
  ['@1.000000001', 1, 1],
  ['@-1', -1, 0],
  ['@-0', 0, 0],
  ['@-1.25', -2, 750_000_000],
  ['1970-01-01', 0, 0],
  ['1969-12-31T23:59:59.9Z', -1, 900_000_000],
  ['2000-02-29 12:30', 951_827_400, 0],
  ['2026-11-20T23:33:00.123456789Z', 1_795_217_580, 123_456_789],
  ['2026-11-20 23:33:00 +0100', 1_795_213_980, 0],
  ['2026-11-20T23:33-09:30', 1_795_251_780, 0],
  ['0001-01-01', -62_135_596_800, 0],
])('%s', (text, seconds, nanoseconds) => {
  const time = parseTime(text);
  expect(time).toEqual({ seconds, nanoseconds });
  expect(Object.is(time.seconds, -0)).toBe(false);
  // What the command shows can be given back to it.
  expect(parseTime(showTime(time))).toEqual(time);
  expect(parseTime(isoTime(time)!)).toEqual(time);
});

it.each([
  '',
  'now',
  '1700000000',
  '@',
  '@1.0000000001',
  '@1e9',
  '2026-02-29',
  '2026-13-01',
  '2026-1-1',
  '2026-11-20T24:00',
  '2026-11-20T23:60',
  '2026-11-20T23',
  '2026-11-20Z',
  '2026-11-20T23:33+25:00',
  '2026-11-20T23:33 CET',
])("'%s' is no time", (text) => {
  expect(() => parseTime(text)).toThrow('A time is');
});

it('SOURCE_DATE_EPOCH is a number of seconds, or not there', () => {
  expect(sourceDateEpoch({})).toBeUndefined();
  expect(sourceDateEpoch({ SOURCE_DATE_EPOCH: '' })).toBeUndefined();
  expect(sourceDateEpoch({ SOURCE_DATE_EPOCH: '1600000000' })).toBe(1_600_000_000);
  for (const wrong of ['x', '-1', '1.5', '1e3', '9'.repeat(16)])
    expect(() => sourceDateEpoch({ SOURCE_DATE_EPOCH: wrong })).toThrow(/^SOURCE_DATE_EPOCH is/);
});
