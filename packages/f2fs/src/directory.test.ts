import { FaultDevice, ShuffleDevice, StatisticsDevice } from '@f2fskit/block';
import type { FsError } from '@f2fskit/errno';
import { Advise, BLOCK_SIZE, dentryHash, Feature, InodeFlag } from '@f2fskit/f2fs-format';
import { runAsync, runSync, type Task } from '@f2fskit/task';
import type { DirectoryEntry } from '@f2fskit/vfs';
import { utf8Encode } from '@f2fskit/vfs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bytesOf, dentryBlock, hashDirectory, type TestDentry } from '../test/dentries.ts';
import { writeDirectory, writeHashDirectory } from '../test/directory-file.ts';
import { contextOf } from '../test/file-context.ts';
import { corruptionOf, DIRECTORY, dots, errorOf, MountableVolume } from '../test/mountable-volume.ts';
import { F2fsDirectoryReader, lookupDentry } from './directory.ts';
import { noKeyName } from './no-key-name.ts';

const INO = 10;
const features = Feature.extraAttr | Feature.flexibleInlineXattr | Feature.casefold;
const newVolume = (): MountableVolume => new MountableVolume({ features });

function openDirectory(volume: MountableVolume, device = new StatisticsDevice(volume.device)) {
  const { store } = contextOf(volume, device);
  const directory = runSync(store.readInode(INO));
  device.reset();
  return { store, directory, device };
}

type Opened = Pick<ReturnType<typeof openDirectory>, 'store' | 'directory'>;

interface Listing {
  entries: DirectoryEntry[];
  problems: FsError[];
  batches: number;
}

function* list({ store, directory }: Opened): Task<Listing> {
  const reader = new F2fsDirectoryReader(store, { raw: directory });
  const listing: Listing = { entries: [], problems: [], batches: 0 };
  for (let batch = yield* reader.next(); batch !== undefined; batch = yield* reader.next()) {
    listing.entries.push(...batch.entries);
    listing.problems.push(...batch.problems);
    listing.batches++;
  }
  return listing;
}

const latin1 = (name: Uint8Array): string => Buffer.from(name).toString('latin1');
const namesOf = ({ entries }: Listing): string[] => entries.map(({ name }) => latin1(name));

const lookup = ({ store, directory }: Opened, name: string | Uint8Array): Task<number> =>
  lookupDentry(store, directory, bytesOf(name));

const numbered = (count: number, name: (n: number) => string): TestDentry[] =>
  Array.from({ length: count }, (_, n) => ({ name: name(n), ino: 100 + n }));

const file = (n: number): string => `file-${String(n).padStart(5, '0')}.bin`;

describe('a hash directory', () => {
  const entries = numbered(1500, file);

  it('is laid out by these tests as Linux does it (spec 7.5 and A.1)', () => {
    const { blocks, depth } = hashDirectory([...dots(INO), ...entries]);
    const place = (name: string): [number, number] => {
      for (const [fileBlock, list] of blocks) {
        const found = list.find((one) => one.name === name);
        if (found !== undefined) return [fileBlock, found.slot!];
      }
      return expect.unreachable(name);
    };
    expect(depth).toBe(4);
    expect(blocks.size).toBe(18);
    expect(Math.max(...blocks.keys())).toBe(26);
    expect(place(file(0))).toEqual([0, 2]);
    expect(place(file(500))).toEqual([5, 66]);
    expect(place(file(1499))).toEqual([14, 16]);
  });

  it.each([0, 1, 3])('finds every name and no other one (dir_level %i)', (dirLevel) => {
    const volume = newVolume();
    const { blocks } = writeHashDirectory(volume, INO, entries, { dirLevel });
    const opened = openDirectory(volume);
    for (const { name, ino } of entries) expect(runSync(lookup(opened, name))).toBe(ino);
    for (const name of ['file-01500.bin', 'FILE-00001.BIN', 'x', '.', '..'])
      expect(runSync(lookup(opened, name))).toBe(0);
    const listing = runSync(list(opened));
    expect(listing.problems).toEqual([]);
    expect(listing.batches).toBe(blocks.size); // holes cost nothing
    expect(namesOf(listing).sort()).toEqual(entries.map(({ name }) => name));
    expect(listing.entries[0]!.kind).toBe('file');
  });

  it('reads only the buckets of the name', () => {
    const volume = newVolume();
    writeHashDirectory(volume, INO, entries);
    const { store, directory, device } = openDirectory(volume);
    runSync(lookup({ store, directory }, 'absent'));
    expect(device.snapshot().read.bios).toBeLessThanOrEqual(2 * 4);
    const first = openDirectory(volume);
    runSync(lookup(first, file(0)));
    expect(first.device.snapshot().read.bios).toBe(1);
  });

  it('reads the same over a device that completes in any order', async () => {
    const volume = newVolume();
    writeHashDirectory(volume, INO, entries.slice(0, 400));
    const expected = runSync(list(openDirectory(volume)));
    for (const seed of [1, 2, 3]) {
      const { store } = contextOf(volume, new ShuffleDevice(volume.device, seed));
      const opened = { store, directory: await runAsync(store.readInode(INO)) };
      expect(await runAsync(list(opened))).toEqual(expected);
      expect(await runAsync(lookup(opened, file(399)))).toBe(499);
    }
  });

  it('is searched as deep as it says it is, listed whole', () => {
    const volume = newVolume();
    writeHashDirectory(volume, INO, entries, { depth: 3 });
    const opened = openDirectory(volume);
    expect(runSync(lookup(opened, file(500)))).toBe(600);
    expect(runSync(lookup(opened, file(1499)))).toBe(0); // level 3
    expect(namesOf(runSync(list(opened)))).toContain(file(1499));
  });

  it.each([
    ['more levels than blocks', 63, 0],
    ['all levels that a number can say', 0xffff_ffff, 255],
  ])('that claims %s is searched to its end', (_, depth, dirLevel) => {
    const volume = newVolume();
    // Level 0 of a directory with dir_level 255 has 2^30 buckets.
    const blocks = new Map([
      [dirLevel === 0 ? 0 : 2 * (dentryHash(utf8Encode('a')) % 2 ** 30), [{ name: 'a', ino: 7 }]],
    ]);
    if (dirLevel === 0) writeDirectory(volume, INO, blocks, { depth, dirLevel });
    else volume.inode(INO, { mode: DIRECTORY, depth, dirLevel, size: (2 ** 31 * BLOCK_SIZE) / 4 });
    const { store, directory, device } = openDirectory(volume);
    expect(runSync(lookup({ store, directory }, 'a'))).toBe(dirLevel === 0 ? 7 : 0);
    expect(runSync(lookup({ store, directory }, 'b'))).toBe(0);
    expect(device.snapshot().read.bios).toBeLessThanOrEqual(2);
  });

  it('takes names of any bytes and lengths', () => {
    const name = fc.uint8Array({ minLength: 1, maxLength: 255 }).filter((bytes) => {
      return !bytes.includes(0) && !bytes.includes(0x2f) && !['.', '..'].includes(latin1(bytes));
    });
    const names = fc.uniqueArray(name, { maxLength: 40, selector: latin1 });
    fc.assert(
      fc.property(names, fc.nat(2), fc.boolean(), (list_, dirLevel, inline) => {
        const volume = newVolume();
        const all = list_.map((one, n) => ({ name: one, ino: 100 + n }));
        if (inline) volume.inlineDirectory(INO, all.slice(0, 5));
        else writeHashDirectory(volume, INO, all, { dirLevel });
        const opened = openDirectory(volume);
        const present = inline ? all.slice(0, 5) : all;
        for (const one of present) expect(runSync(lookup(opened, one.name))).toBe(one.ino);
        const shown = namesOf(runSync(list(opened))).sort();
        expect(shown).toEqual(present.map((one) => latin1(one.name)).sort());
      }),
      { numRuns: 60 },
    );
  });
});

describe('a name with a wrong hash', () => {
  const wrong: TestDentry = { name: 'Wrong', ino: 60, hash: 12_345 };
  const blocks = new Map([[0, [...dots(INO), { name: 'Right', ino: 61 }, wrong]]]);

  it('is listed but not found, as Linux has it', () => {
    const volume = newVolume();
    writeDirectory(volume, INO, blocks);
    const opened = openDirectory(volume);
    expect(namesOf(runSync(list(opened)))).toEqual(['Right', 'Wrong']);
    expect(runSync(lookup(opened, 'Right'))).toBe(61);
    expect(runSync(lookup(opened, 'Wrong'))).toBe(0);
  });

  it('is not found in a bucket that is not its own', () => {
    const volume = newVolume();
    // Level 1 has buckets 0 and 1 in blocks 2-3 and 4-5; `a` hashes to an odd number.
    const misplaced = new Map([
      [2, [{ name: 'a', ino: 60 }]],
      [0, dots(INO)],
    ]);
    writeDirectory(volume, INO, misplaced, { depth: 2 });
    expect(dentryHash(utf8Encode('a')) % 2).toBe(1);
    expect(runSync(lookup(openDirectory(volume), 'a'))).toBe(0);
  });

  it('is found in a case-insensitive directory by looking everywhere', () => {
    const volume = newVolume();
    writeDirectory(volume, INO, blocks, { flags: InodeFlag.casefold });
    const opened = openDirectory(volume);
    for (const name of ['Wrong', 'WRONG', 'wrong']) expect(runSync(lookup(opened, name))).toBe(60);
    expect(runSync(lookup(opened, 'wrongs'))).toBe(0);
  });
});

describe('a case-insensitive directory', () => {
  // Hashes of the folded names, as Linux 6.1 stored them (spec A.5).
  const stored: TestDentry[] = [
    { name: 'README', ino: 60, hash: 0x4b1b068f },
    { name: 'Straße', ino: 61, hash: 0xd6e5379a },
    { name: '\u212aelvin', ino: 62, hash: 0x63a5b93a },
    { name: Uint8Array.of(0xff, 0xfe, 0x62, 0x61, 0x64), ino: 63, hash: 0x69f27c46 },
  ];

  it.each(['blocks', 'inline'])('finds every spelling (%s)', (kind) => {
    const volume = newVolume();
    if (kind === 'inline') volume.inlineDirectory(INO, stored, { flags: InodeFlag.casefold });
    else writeHashDirectory(volume, INO, stored, { flags: InodeFlag.casefold });
    const opened = openDirectory(volume);
    for (const [name, ino] of [
      ['readme', 60],
      ['ReadMe', 60],
      ['STRASSE', 61],
      ['stra\u1e9ee', 61],
      ['KELVIN', 62],
      ['kelvi\u00adn', 62],
      ['readmes', 0],
    ] as const) {
      expect(runSync(lookup(opened, name)), name).toBe(ino);
    }
    // What is not UTF-8 matches byte for byte only.
    expect(runSync(lookup(opened, stored[3]!.name))).toBe(63);
    expect(runSync(lookup(opened, Uint8Array.of(0xff, 0xfe, 0x42, 0x41, 0x44)))).toBe(0);
    expect(namesOf(runSync(list(opened)))[1]).toBe(latin1(utf8Encode('Straße')));
  });

  it('needs no second look when the hash is right', () => {
    const volume = newVolume();
    writeHashDirectory(volume, INO, [...stored, ...numbered(600, (n) => `name ${n}`)], { flags: InodeFlag.casefold });
    const opened = openDirectory(volume);
    expect(runSync(lookup(opened, 'readme'))).toBe(60);
    expect(opened.device.snapshot().read.bios).toBe(1);
  });
});

describe('an encrypted directory', () => {
  const ciphertexts = [
    Uint8Array.from({ length: 16 }, (_, n) => n), // NUL among it
    Uint8Array.from({ length: 255 }, (_, n) => 0x2f ^ n), // and a slash, and more than 149 bytes
  ];
  const entries = ciphertexts.map((name, n): TestDentry => ({ name, ino: 70 + n }));

  it.each(['blocks', 'inline'])('shows and finds names in their no-key form (%s)', (kind) => {
    const volume = newVolume();
    const description = { advise: Advise.encrypt };
    if (kind === 'inline') volume.inlineDirectory(INO, entries, description);
    else writeHashDirectory(volume, INO, entries, description);
    const opened = openDirectory(volume);
    const shown = ciphertexts.map((name) => noKeyName(dentryHash(name), name));
    const listing = runSync(list(opened));
    expect(listing.problems).toEqual([]);
    expect(namesOf(listing)).toEqual(shown.map(latin1)); // and not the dots
    shown.forEach((name, n) => {
      expect(runSync(lookup(opened, name))).toBe(70 + n);
    });
    expect(runSync(lookup(opened, ciphertexts[0]!))).toBe(0);
    expect(runSync(lookup(opened, '.'))).toBe(0);
  });
});

describe('an inline directory', () => {
  it.each([
    ['without inline xattrs', { extraSize: 36, inlineXattrWords: 0 }, 190],
    ['with 50 words of them', { extraSize: 36, inlineXattrWords: 50 }, 180],
    ['with the shortest extra attributes', { extraSize: 4, inlineXattrWords: 50 }, 182],
  ])('%s holds as many names as fit', (_, description, slots) => {
    const volume = newVolume();
    const entries = numbered(slots - 2, (n) => `n${n}`);
    volume.inlineDirectory(INO, entries, description);
    const opened = openDirectory(volume);
    expect(namesOf(runSync(list(opened)))).toEqual(entries.map(({ name }) => name));
    for (const { name, ino } of entries) expect(runSync(lookup(opened, name))).toBe(ino);
    expect(runSync(lookup(opened, 'absent'))).toBe(0);
    expect(opened.device.snapshot().read.bios).toBe(0);
  });
});

describe('damage in a directory', () => {
  it('costs the entry that has it, and is reported where it is', () => {
    const volume = newVolume();
    const entries: TestDentry[] = [
      ...dots(INO),
      { name: 'a', ino: 60 },
      { name: 'a/b', ino: 61 },
      { name: 'c\0d', ino: 62 },
      { name: 'zero', ino: 63, nameLength: 0 },
      { name: 'huge', ino: 64, nameLength: 300 },
      { name: 'nowhere', ino: 0 },
      { name: 'e', ino: 65 },
    ];
    const [address] = writeDirectory(volume, INO, new Map([[0, entries]]));
    const listing = runSync(list(openDirectory(volume)));
    expect(namesOf(listing)).toEqual(['a', 'e']);
    const place = { block: address, ino: INO, fileBlock: 0 };
    // Slot by slot first, then names as a whole.
    expect(listing.problems.map((problem) => (problem as { kind?: string }).kind)).toEqual([
      'dentry',
      'dentry',
      'dentryIno',
      'dentryName',
      'dentryName',
    ]);
    for (const problem of listing.problems) expect(problem).toMatchObject({ where: place });
  });

  it('in one block leaves the others', () => {
    const volume = newVolume();
    const blocks = new Map([0, 1, 2, 3, 4, 5].map((n) => [n, [{ name: `in ${n}`, ino: 60 + n }]] as const));
    const slots = writeDirectory(volume, INO, blocks);
    const start = slots[3]! * BLOCK_SIZE;
    const rule = { action: { kind: 'fail' as const }, range: { start, end: start + BLOCK_SIZE } };
    const opened = openDirectory(volume, new StatisticsDevice(new FaultDevice(volume.device, [rule])));
    const listing = runSync(list(opened));
    expect(namesOf(listing)).toEqual(['in 0', 'in 1', 'in 2', 'in 4', 'in 5']);
    expect(listing.problems).toHaveLength(1);
    expect(listing.problems[0]).toMatchObject({ code: 'EIO' });
  });

  it('of a pointer leaves the blocks before and behind it', () => {
    // The blocks before the bad pointer continue up to it; they were lost with it, each with a report of its own.
    const volume = newVolume();
    const first = volume.allocate(4);
    for (const n of [0, 1, 3]) volume.write(first + n, dentryBlock([{ name: `in ${n}`, ino: 60 + n }]));
    const slots = [first, first + 1, 1, first + 3];
    volume.file(INO, slots, { mode: DIRECTORY, size: 4 * BLOCK_SIZE, depth: 1 });
    const listing = runSync(list(openDirectory(volume)));
    expect(namesOf(listing)).toEqual(['in 0', 'in 1', 'in 3']);
    expect(listing.problems).toHaveLength(1);
    expect(listing.problems[0]).toMatchObject({ kind: 'blockAddress', where: { fileBlock: 2 }, found: 1 });
  });

  it('of a node is one problem, however many blocks the directory claims below it', () => {
    // A directory of 3.9 TiB whose double indirect node is gone: a problem for each block would take a day.
    const volume = newVolume();
    volume.inode(INO, {
      mode: DIRECTORY,
      size: 1_057_052_516 * BLOCK_SIZE,
      depth: 30,
      slots: [volume.allocate()],
      nids: [77, 0, 78, 0, 79],
    });
    volume.edit(volume.allocate() - 2, (_, bytes) => bytes.set(dentryBlock([{ name: 'here', ino: 60 }])));
    const opened = openDirectory(volume);
    const listing = runSync(list(opened));
    expect(namesOf(listing)).toEqual(['here']);
    expect(listing.problems).toHaveLength(3);
    expect(listing.batches).toBe(4);
    expect(runSync(lookup(opened, 'here'))).toBe(60);
    expect(corruptionOf(lookup(opened, 'absent'))).toMatchObject({ kind: 'natEntry' });
  });

  it('of a node behind blocks leaves the blocks', () => {
    const volume = newVolume();
    const first = volume.allocate(914);
    volume.write(first + 913, dentryBlock([{ name: 'last', ino: 60 }]));
    const slots = Array.from({ length: 914 }, (_, n) => first + n);
    volume.inode(INO, { mode: DIRECTORY, size: (914 + 2 * 1018) * BLOCK_SIZE, depth: 1, slots, nids: [77] });
    const listing = runSync(list(openDirectory(volume)));
    expect(namesOf(listing)).toEqual(['last']);
    expect(listing.problems).toMatchObject([{ kind: 'natEntry' }]);
    expect(listing.batches).toBe(914 + 1);
  });

  it('does not hide a name that is elsewhere, but does not say "absent" either', () => {
    const volume = newVolume();
    const name = 'a'; // bucket 1 of level 1: blocks 4 and 5
    const entries = new Map<number, TestDentry[]>([
      [0, [...dots(INO), { name: 'broken', ino: 61, nameLength: 0 }]],
      [1, []],
      [5, [{ name, ino: 60 }]],
    ]);
    const slots = writeDirectory(volume, INO, entries, { depth: 2 });
    const start = slots[1]! * BLOCK_SIZE;
    const rule = { action: { kind: 'fail' as const }, range: { start, end: start + BLOCK_SIZE } };
    const unreadable = openDirectory(volume, new StatisticsDevice(new FaultDevice(volume.device, [rule])));
    for (const opened of [openDirectory(volume), unreadable]) {
      expect(runSync(lookup(opened, name))).toBe(60);
      expect(corruptionOf(lookup(opened, 'absent'))).toMatchObject({ kind: 'dentry', where: { fileBlock: 0 } });
    }
    const inline = newVolume();
    inline.inlineDirectory(INO, [
      { name: 'broken', ino: 0 },
      { name, ino: 60 },
    ]);
    expect(runSync(lookup(openDirectory(inline), name))).toBe(60);
    expect(corruptionOf(lookup(openDirectory(inline), 'broken')).kind).toBe('dentryIno');
  });

  it('of a pointer on one level hides no name on the next', () => {
    const volume = newVolume();
    const block = volume.allocate();
    volume.write(block, dentryBlock([{ name: 'a', ino: 60 }])); // bucket 1 of level 1: blocks 4 and 5
    volume.file(INO, [1, 0, 0, 0, 0, block], { mode: DIRECTORY, size: 6 * BLOCK_SIZE, depth: 2 });
    const opened = openDirectory(volume);
    expect(runSync(lookup(opened, 'a'))).toBe(60);
    expect(corruptionOf(lookup(opened, 'absent'))).toMatchObject({ kind: 'blockAddress', where: { fileBlock: 0 } });
  });

  it('of one entry hides no name with another hash', () => {
    const volume = newVolume();
    writeDirectory(volume, INO, new Map([[0, [{ name: 'broken', ino: 0 }]]]));
    expect(corruptionOf(lookup(openDirectory(volume), 'broken')).kind).toBe('dentryIno');
    expect(runSync(lookup(openDirectory(volume), 'absent'))).toBe(0);
  });

  it('of the medium is reported for a name that it may hide', () => {
    for (const flags of [0, InodeFlag.casefold]) {
      const volume = newVolume();
      const slots = writeDirectory(volume, INO, new Map([[0, [{ name: 'x', ino: 60 }]]]), { flags });
      const start = slots[0]! * BLOCK_SIZE;
      const rule = { action: { kind: 'fail' as const }, range: { start, end: start + BLOCK_SIZE } };
      const opened = openDirectory(volume, new StatisticsDevice(new FaultDevice(volume.device, [rule])));
      expect(errorOf(lookup(opened, 'x')).code).toBe('EIO');
    }
  });

  it.each([
    ['the main area', { features, mainSegments: 2 }, 1024],
    ['a device that is shorter', { features, mainSegments: 42, deviceBlocks: 4200 }, 4200],
  ])('a directory of more blocks than %s has ends', (_, options, limit) => {
    const volume = new MountableVolume(options);
    const address = volume.allocate();
    volume.write(address, dentryBlock([{ name: 'again', ino: 60 }]));
    // Every slot names one block.
    const slots = new Array<number>(limit + 200).fill(address);
    volume.file(INO, slots, { mode: DIRECTORY, size: slots.length * BLOCK_SIZE, depth: 63 });
    const listing = runSync(list(openDirectory(volume)));
    expect(listing.entries).toHaveLength(limit);
    expect(listing.problems).toHaveLength(1);
    expect(listing.problems[0]).toMatchObject({ kind: 'directoryLoop', where: { ino: INO, fileBlock: limit } });
  });
});
