import { XATTR_MAGIC, xattrEntrySize } from '@f2fskit/f2fs-format';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Findings } from './report.ts';
import { walkXattrs, XATTR_ENDED, XATTR_HEADER_FIRST } from './xattrs.ts';

const NODE = 4072;
const place = { area: 'main' as const, block: 1, ino: 4 };

/** A list as it is stored: header, entries, zeros. `undefined` when it does not fit. */
function listOf(entries: ReadonlyArray<[name: number, value: number]>, room: number): DataView | undefined {
  const view = new DataView(new ArrayBuffer(room));
  view.setUint32(0, XATTR_MAGIC, true);
  view.setUint32(4, 1, true);
  let at = 24;
  for (const [name, value] of entries) {
    const size = xattrEntrySize(name, value);
    if (at + size > room) return undefined;
    view.setUint8(at, 1);
    view.setUint8(at + 1, name);
    view.setUint16(at + 2, value, true);
    for (let n = 0; n < name + value; n++) view.setUint8(at + 4 + n, 0x61);
    at += size;
  }
  return view;
}

/** Walks inline part and node one after the other, as the two sweeps do. */
function walk(list: DataView, inline: number): Findings {
  const findings = new Findings();
  const more = list.byteLength - inline;
  let position = XATTR_HEADER_FIRST;
  if (inline > 0) position = walkXattrs(findings, list, 0, inline, position, more, place);
  if (more > 0) walkXattrs(findings, list, inline, more, position, 0, place);
  return findings;
}

const lists = fc.record({
  entries: fc.array(fc.tuple(fc.integer({ min: 1, max: 255 }), fc.nat(600)), { maxLength: 20 }),
  inline: fc.constantFrom(0, 24, 28, 200, 3612),
  node: fc.boolean(),
});

it('accepts every list, wherever the border between inode and node lies', () => {
  fc.assert(
    fc.property(lists, ({ entries, inline, node }) => {
      const list = listOf(entries, inline + (node || inline === 0 ? NODE : 0));
      fc.pre(list !== undefined);
      expect(walk(list, inline).kept).toEqual([]);
    }),
  );
});

it('finds an entry that runs over the end, and what stands behind the last one', () => {
  fc.assert(
    fc.property(lists, fc.nat(), ({ entries, inline }, which) => {
      const list = listOf(entries, inline + NODE);
      fc.pre(list !== undefined && entries.length > 0);
      const at = 24 + entries.slice(0, which % entries.length).reduce((sum, [n, v]) => sum + xattrEntrySize(n, v), 0);
      list.setUint16(at + 2, 0xffff, true);
      const { kept } = walk(list, inline);
      expect(kept.map(({ code }) => code)).toContain('xattrEntry');
      const found = kept.find(({ code }) => code === 'xattrEntry')!;
      expect(found.place.offset).toBe(at);
    }),
  );
  const list = listOf([[3, 5]], 200 + NODE)!;
  list.setUint8(100, 1);
  expect(walk(list, 200).kept).toMatchObject([{ code: 'xattrTail', place: { offset: 100 } }]);
  list.setUint8(100, 0);
  list.setUint8(200 + 4000, 1);
  expect(walk(list, 200).kept).toMatchObject([{ code: 'xattrTail', place: { offset: 200 + 4000 } }]);
});

it('an area without the magic number must be empty', () => {
  const view = new DataView(new ArrayBuffer(200));
  expect(walkXattrs(new Findings(), view, 0, 200, XATTR_HEADER_FIRST, 0, place)).toBe(XATTR_ENDED);
  expect(walk(view, 200).kept).toEqual([]);
  view.setUint8(77, 1);
  expect(walk(view, 200).kept).toMatchObject([{ code: 'xattrHeader', place: { offset: 77 } }]);
});
