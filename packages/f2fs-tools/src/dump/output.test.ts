import { Corruption } from '@f2fskit/errno';
import { natCopyAddress, sitCopyAddress, textOfUtf16 } from '@f2fskit/f2fs-format';
import { runSync } from '@f2fskit/task';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { goldenVolume, inoOf } from '../../test/volumes.ts';
import { addressMeaning, areaOf } from './areas.ts';
import { dumpBlock } from './block.ts';
import { type Dump, newDump, placeAt } from './dump.ts';
import { extensionsOf } from './extensions.ts';
import { dumpInode } from './inode.ts';
import { dumpJson } from './json.ts';
import { bytesOf, dateOf, previewOf, quoted } from './phrases.ts';
import { dumpSuperblock } from './superblock.ts';
import { hexLines, tableLines } from './table.ts';

const small: Dump = newDump({
  title: 'A thing',
  place: placeAt(7, 16),
  layout: 'thing',
  facts: [{ name: 'state', value: 'fine' }],
  rows: [
    { offset: 0, size: 4, type: 'u32', name: 'count', cName: 'n', value: 300, meaning: 'many', note: 'how many' },
    { offset: 4, size: 8, type: 'bits64', name: 'key', value: 2n ** 63n, note: 'names it' },
    { offset: 12, size: 4, type: 'u32', name: 'flags', value: 3, meaning: ['one', 'two'], note: 'bits' },
    {
      offset: 16,
      size: 9,
      type: 'u8[9]',
      name: 'bytes',
      value: Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9),
      note: 'some',
    },
    { offset: 25, size: 10, type: 'u16[5]', name: 'list', value: [1, 2, 3, 4, 5], note: 'five' },
    { offset: 35, size: 3, type: 'u8[3]', name: 'empty', value: new Uint8Array(3), note: 'nothing' },
  ],
  problems: [new Corruption('natEntry', { where: { block: 7 }, expected: 1, found: 2n })],
  children: [newDump({ title: 'Inside', place: placeAt(7, 20), layout: 'inner' })],
});

describe('tableLines', () => {
  it('shows fields in columns, the problems and what is inside', () => {
    expect(tableLines(small)).toEqual([
      { kind: 'title', text: 'A thing: thing at block 7, byte 16 (0x7010 on the volume)' },
      { kind: 'text', text: '  state  fine' },
      { kind: 'text', text: '   0  count  u32     300                  0x12c               many' },
      { kind: 'text', text: '   4  key    bits64  9223372036854775808  0x8000000000000000' },
      { kind: 'text', text: '  12  flags  u32     3                    0x3                 one two' },
      { kind: 'text', text: '  16  bytes  u8[9]   bytes                0102030405060708…' },
      { kind: 'text', text: '  25  list   u16[5]  1 2 3 4 …            0x1 0x2 0x3 0x4 …' },
      { kind: 'text', text: '  35  empty  u8[3]   zeros' },
      { kind: 'problem', text: expect.stringMatching(/^ {2}! EUCLEAN: .*natEntry at block 7: expected 1/) },
      { kind: 'title', text: '  Inside: inner at block 7, byte 20 (0x7014 on the volume)' },
    ]);
  });

  it('shows what fields are for when asked', () => {
    const lines = tableLines(small, { notes: true }).map(({ text }) => text);
    expect(lines[2]).toMatch(/many — how many$/);
    expect(lines[3]).toMatch(/names it$/);
  });

  it('never breaks a line, whatever a name contains', () => {
    const volume = goldenVolume('plain');
    for (const path of ['/d/white space  ', '/d/ünïcödé 文件 🙂', '/d/back\\slash | "quotes"']) {
      const dump = runSync(dumpInode(volume, inoOf(volume, path)));
      for (const { text } of tableLines(dump)) expect(text).not.toMatch(/[\n\r]/);
    }
    expect(quoted(Uint8Array.of(0x61, 0x0a, 0x1b, 0x22, 0xff))).toBe('"a\\n\\u001b\\"\ufffd"');
  });
});

describe('hexLines', () => {
  it('shows bytes in hex and as text, equal lines once', () => {
    const bytes = new Uint8Array(80);
    bytes.set([0x48, 0x69, 0x00, 0xff], 0);
    expect(hexLines(bytes)).toEqual([
      '0000  48 69 00 ff 00 00 00 00  00 00 00 00 00 00 00 00  Hi..............',
      '0010  00 00 00 00 00 00 00 00  00 00 00 00 00 00 00 00  ................',
      '*',
      '0040  00 00 00 00 00 00 00 00  00 00 00 00 00 00 00 00  ................',
    ]);
  });

  it('keeps every byte of a block without equal lines', () => {
    const bytes = Uint8Array.from({ length: 4096 }, (_, index) => (index * 7 + (index >> 8)) & 0xff);
    const shown = hexLines(bytes).flatMap((line) => line.slice(6, 54).trim().split(/ +/));
    expect(shown.map((hex) => Number.parseInt(hex, 16))).toEqual([...bytes]);
  });
});

describe('dumpJson', () => {
  it('is plain JSON: bytes in hex, large numbers as text, problems with their place', () => {
    expect(JSON.parse(JSON.stringify(dumpJson(small)))).toEqual({
      schema: 'f2fs.dump/1',
      title: 'A thing',
      place: { block: 7, offset: 16, address: 28688 },
      layout: 'thing',
      facts: [{ name: 'state', value: 'fine' }],
      rows: [
        { offset: 0, size: 4, type: 'u32', name: 'count', cName: 'n', value: 300, meaning: 'many', note: 'how many' },
        { offset: 4, size: 8, type: 'bits64', name: 'key', value: '9223372036854775808', note: 'names it' },
        { offset: 12, size: 4, type: 'u32', name: 'flags', value: 3, meaning: ['one', 'two'], note: 'bits' },
        { offset: 16, size: 9, type: 'u8[9]', name: 'bytes', value: '010203040506070809', note: 'some' },
        { offset: 25, size: 10, type: 'u16[5]', name: 'list', value: [1, 2, 3, 4, 5], note: 'five' },
        { offset: 35, size: 3, type: 'u8[3]', name: 'empty', value: '000000', note: 'nothing' },
      ],
      problems: [
        {
          code: 'EUCLEAN',
          kind: 'natEntry',
          message: expect.stringContaining('natEntry at block 7'),
          where: { block: 7 },
          expected: 1,
          found: '2',
        },
      ],
      children: [expect.objectContaining({ title: 'Inside', children: [] })],
    });
  });

  it('carries the bytes of a block', () => {
    const json = dumpJson(runSync(dumpBlock(goldenVolume('plain'), 0)));
    expect(json['bytes']).toHaveLength(8192);
    expect(dumpJson(runSync(dumpSuperblock(goldenVolume('plain'))))).not.toHaveProperty('bytes');
  });
});

describe('areaOf', () => {
  it('is the inverse of the address arithmetic of NAT and SIT', () => {
    const { superblock } = goldenVolume('plain');
    fc.assert(
      fc.property(fc.nat(511), fc.constantFrom(0, 1), (index, copy) => {
        const of = copy === 0 ? 'copy 1' : 'copy 2';
        const nat = areaOf(superblock, natCopyAddress(superblock, index, copy as 0 | 1));
        expect(nat.text.startsWith(`NAT block ${index}, ${of}, nids ${455 * index}..`)).toBe(true);
        const sit = areaOf(superblock, sitCopyAddress(superblock, index, copy as 0 | 1));
        expect(sit.text.startsWith(`SIT block ${index}, ${of}, segments ${55 * index}..`)).toBe(true);
      }),
    );
  });

  it('knows a NAT of several segments, and the ends of the volume', () => {
    const { superblock } = goldenVolume('plain');
    const large = { ...superblock, segmentCountNat: 4, ssaAddress: 2560 + 4 * 512, mainAddress: 8192 };
    expect(areaOf(large, natCopyAddress(large, 700, 1)).text).toBe('NAT block 700, copy 2, nids 318500..318954');
    expect(areaOf(superblock, superblock.blockCount - 1).kind).toBe('main');
    expect(areaOf({ ...superblock, blockCount: 99_999 }, 99_998).kind).toBe('rest');
    expect(areaOf(superblock, superblock.blockCount).kind).toBe('outside');
    expect(addressMeaning(superblock, 0xffff_fffe)).toBe('head of a compressed cluster');
    expect(addressMeaning(superblock, 3)).toBe('not in the main area: before the first segment, unused');
  });
});

describe('phrases', () => {
  it('show sizes, dates, previews and text fields', () => {
    expect([0, 512, 4096, 1536, 2 ** 41].map(bytesOf)).toEqual(['0 bytes', '512 bytes', '4 KiB', '1.5 KiB', '2 TiB']);
    expect(dateOf(0)).toBe('1970-01-01T00:00:00Z');
    expect(dateOf(-1n)).toBe('1969-12-31T23:59:59Z');
    expect(dateOf(2 ** 52)).toBeUndefined();
    expect(previewOf(new TextEncoder().encode('x'.repeat(60)))).toBe(`"${'x'.repeat(48)}"…`);
    expect(previewOf(Uint8Array.of(0, 255))).toBe('00 ff');
    expect(textOfUtf16(Uint8Array.of(0x61, 0, 0xe9, 0, 0, 0, 0x62, 0))).toBe('aé');
    const list = new Uint8Array(24);
    list.set([0x6d, 0x70], 0);
    list.set([0x64, 0x62], 8);
    expect(extensionsOf(list, 1)).toEqual(['mp', 'db (hot)']);
  });
});
