// Sequences of calls that write, each in a directory of its own. The same list runs on Node's fs and on volumes.

import { once } from 'node:events';
import { constants } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { WritePromises, WriteSubject, WriteSync } from './write-subjects.ts';

/** Runs one call of a sequence; what it throws is part of the answer, and the next call follows. */
export type Attempt = (run: () => unknown) => Promise<void>;

export interface Sequence {
  name: string;
  /** Sync only, hence not for a device that finishes later. */
  sync?: true;
  /** Errors are compared by code: the rest differs from one version of Node to the next. */
  codeOnly?: true;
  run(subject: WriteSubject, here: (name?: string) => string, attempt: Attempt): unknown;
}

/** Wrong on purpose: arguments that the types would not let through. */
// biome-ignore lint/suspicious/noExplicitAny: see above
const wrong = (value: unknown): any => value;

type SyncRun = (fs: WriteSync, here: (name?: string) => string, attempt: Attempt, subject: WriteSubject) => unknown;
type PromiseRun = (fs: WritePromises, here: (name?: string) => string, attempt: Attempt) => Promise<unknown>;

export const sync = (name: string, run: SyncRun): Sequence => ({
  name,
  sync: true,
  run: (subject, here, attempt) => run(subject.sync, here, attempt, subject),
});
export const promise = (name: string, run: PromiseRun): Sequence => ({
  name: `promises: ${name}`,
  run: (subject, here, attempt) => run(subject.promises, here, attempt),
});
const byCode = (sequence: Sequence): Sequence => ({ ...sequence, codeOnly: true });

/** A file, a full directory, and what the name `place` begins with: an empty directory, a symlink to one of them, or to nothing. */
function furnish(fs: WriteSync, here: (name?: string) => string, place?: string): void {
  const wanted = (name: string): boolean => place === undefined || place.startsWith(name);
  fs.writeFileSync(here('file'), 'hello');
  fs.mkdirSync(here('full'));
  fs.writeFileSync(here('full/inside'), 'inside');
  if (wanted('empty') || wanted('to-empty')) fs.mkdirSync(here('empty'));
  for (const name of ['file', 'empty', 'full', 'absent']) {
    if (wanted(`to-${name}`)) fs.symlinkSync(name, here(`to-${name}`));
  }
  if (wanted('loop')) fs.symlinkSync('loop', here('loop'));
}

/** Last components of every kind. */
const PLACES = [
  'file',
  'file/',
  'empty',
  'empty/',
  'full',
  'full/.',
  'full/..',
  'to-file',
  'to-file/',
  'to-empty',
  'to-empty/',
  'to-full/.',
  'to-absent',
  'to-absent/',
  'loop',
  'absent',
  'absent/',
  'absent/x',
  'n'.repeat(256),
  'a\0b',
];

/** Every place, each time in a directory that was furnished anew. */
export const everywhere = (
  name: string,
  run: (fs: WriteSync, path: string, here: (name?: string) => string) => unknown,
): Sequence =>
  sync(name, async (fs, here, attempt) => {
    for (const [index, place] of PLACES.entries()) {
      fs.mkdirSync(here(String(index)));
      const inside = (inner = ''): string => `${here(String(index))}/${inner}`;
      furnish(fs, inside, place);
      await attempt(() => run(fs, inside(place), inside));
    }
  });

/** Some versions of Node leave the slash that was behind a directory. */
const withoutSlash = (path: string | undefined): string | undefined => path?.replace(/\/+$/, '');

const FLAGS = ['r', 'r+', 'w', 'wx', 'w+', 'a', 'ax+', 'as'] as const;

/** Opens, writes, reads, closes. */
function use(fs: WriteSync, path: string, flags: string | number, mode?: number): unknown[] {
  const fd = fs.openSync(path, flags, mode);
  const done: unknown[] = [];
  const step = (run: () => unknown): void => {
    try {
      done.push(run());
    } catch (error) {
      done.push((error as NodeJS.ErrnoException).code, (error as NodeJS.ErrnoException).syscall);
    }
  };
  const buffer = Buffer.alloc(20);
  step(() => fs.writeSync(fd, 'AB'));
  step(() => fs.writeSync(fd, 'C', 7));
  step(() => fs.readSync(fd, buffer, 0, 3, null));
  step(() => fs.readSync(fd, buffer, 3, 10, 0));
  step(() => fs.ftruncateSync(fd, 6));
  step(() => fs.writeSync(fd, 'D'));
  step(() => fs.fstatSync(fd).isFile() && fs.fstatSync(fd).size);
  step(() => fs.fdatasyncSync(fd));
  step(() => fs.fsyncSync(fd));
  fs.closeSync(fd);
  return [...done, buffer.toString('latin1')];
}

export const opening: Sequence[] = [
  ...FLAGS.map((flags) =>
    everywhere(`openSync ${flags}`, (fs, path) =>
      path.includes('full') ? fs.closeSync(fs.openSync(path, flags)) : use(fs, path, flags),
    ),
  ),
  everywhere('openSync O_CREAT', (fs, path) => use(fs, path, constants.O_CREAT)),
  everywhere('openSync O_TRUNC', (fs, path) => use(fs, path, constants.O_TRUNC)),
  everywhere('openSync O_EXCL alone', (fs, path) => use(fs, path, constants.O_EXCL | constants.O_WRONLY)),
  everywhere('openSync O_CREAT and O_NOFOLLOW', (fs, path) =>
    use(fs, path, constants.O_CREAT | constants.O_NOFOLLOW | constants.O_RDWR),
  ),
  everywhere('openSync O_DIRECTORY to write', (fs, path) => use(fs, path, constants.O_DIRECTORY | constants.O_WRONLY)),
  everywhere('openSync O_NOFOLLOW and O_DIRECTORY', (fs, path) =>
    fs.closeSync(fs.openSync(path, constants.O_NOFOLLOW | constants.O_DIRECTORY)),
  ),
  everywhere('openSync for neither', (fs, path) => use(fs, path, 3)),
  everywhere('openSync O_DSYNC', (fs, path) =>
    use(fs, path, constants.O_DSYNC | constants.O_RDWR | constants.O_APPEND),
  ),
  sync('openSync with modes', async (fs, here, attempt) => {
    for (const mode of [0, 0o777, 0o6777, 0o1644, 0o100600, '640', undefined, null]) {
      await attempt(() => fs.closeSync(fs.openSync(here(`m${String(mode)}`), 'w', mode)));
    }
    for (const mode of ['rw', 1.5, -1, {}, true]) await attempt(() => fs.openSync(here('bad'), 'w', wrong(mode)));
  }),
];

export const writing: Sequence[] = [
  everywhere('writeFileSync', (fs, path) => fs.writeFileSync(path, 'new content')),
  everywhere('appendFileSync', (fs, path) => fs.appendFileSync(path, ' and more')),
  everywhere('truncateSync', (fs, path) => fs.truncateSync(path, 3)),
  everywhere('utimesSync', (fs, path) => fs.utimesSync(path, 1e8 + 0.25, 2e8 + 0.5)),
  everywhere('chmodSync', (fs, path) => fs.chmodSync(path, 0o4711)),
  sync('writeFileSync of every kind of data', async (fs, here, attempt) => {
    const memory = new ArrayBuffer(32);
    new Uint8Array(memory).set(Array.from({ length: 32 }, (_, i) => i));
    const views = [
      new Uint8Array(memory, 3, 5),
      new DataView(memory, 8, 4),
      new Float64Array(memory, 16, 2),
      Buffer.alloc(0),
    ];
    for (const [index, data] of views.entries()) await attempt(() => fs.writeFileSync(here(`v${index}`), data));
    for (const data of [undefined, null, 5, {}, [], true]) {
      await attempt(() => fs.writeFileSync(here('bad'), wrong(data)));
    }
    for (const encoding of ['utf8', 'latin1', 'ascii', 'hex', 'base64', 'base64url', 'utf16le', 'nope'] as const) {
      await attempt(() => fs.writeFileSync(here(`e-${encoding}`), 'c0ffee=Ünï-_🙂', wrong(encoding)));
    }
  }),
  sync('writeFileSync with options', async (fs, here, attempt) => {
    await attempt(() => fs.writeFileSync(here('a'), 'abcdef', { mode: 0o604 }));
    await attempt(() => fs.writeFileSync(here('a'), 'X', { flag: 'r+' }));
    await attempt(() => fs.writeFileSync(here('a'), 'Y', { flag: 'wx' }));
    await attempt(() => fs.writeFileSync(here('a'), 'Z', { flag: 'r' }));
    await attempt(() => fs.writeFileSync(here('a'), 'W', { flag: 'a', flush: true }));
    await attempt(() => fs.writeFileSync(here('a'), 'V', { flush: wrong('yes') }));
    await attempt(() => fs.writeFileSync(here('a'), 'V', { flag: 'q' }));
    await attempt(() => fs.writeFileSync(here('a'), 'V', wrong(7)));
    await attempt(() => fs.appendFileSync(here('a'), 'U', { flag: '' }));
    await attempt(() => fs.appendFileSync(here('b'), '!', { mode: 0o600 }));
    await attempt(() => [fs.readFileSync(here('a'), 'utf8'), fs.readFileSync(here('b'), 'utf8')]);
  }),
  sync('writeFileSync to a descriptor goes on from its position', (fs, here) => {
    const fd = fs.openSync(here('a'), 'w+');
    fs.writeFileSync(fd, 'one ');
    fs.writeFileSync(fd, 'two ');
    fs.appendFileSync(fd, 'three');
    fs.writeSync(fd, 'ONE', 0);
    const read = [fs.readFileSync(fd, 'utf8'), fs.readFileSync(here('a'), 'utf8')];
    fs.closeSync(fd);
    return read;
  }),
  sync('writeSync in every form', async (fs, here, attempt) => {
    const fd = fs.openSync(here('a'), 'w+');
    const bytes = Buffer.from('0123456789');
    const calls: unknown[][] = [
      [bytes],
      [bytes, 8],
      [bytes, 2, 3],
      [bytes, 2, 3, 20],
      [bytes, null, null, 30],
      [bytes, { offset: 5, position: 40 }],
      [bytes, { length: 1 }],
      [bytes, undefined],
      [bytes, null],
      [bytes, 0, 2, -1],
      [bytes, 0, 2, 1.5],
      [bytes, 0, 2, '7'],
      [bytes, 0, 0],
      [bytes, 10],
      [Buffer.alloc(0)],
      [new Uint16Array([0x4142, 0x4344]), 1, 2],
      ['text'],
      ['text', 50],
      ['text', null, 'utf16le'],
      ['746578', undefined, 'hex'],
      ['746', undefined, 'hex'],
      ['text', 60, 'no such encoding'],
      ['', 70],
      [bytes, 11],
      [bytes, -1],
      [bytes, 1.5],
      [bytes, '1'],
      [bytes, 0, 11],
      [bytes, 5, 6],
      [bytes, 0, -1],
      [bytes, 0, 1.5],
      [5],
      [null],
      [undefined],
      [{}],
      [[1, 2]],
    ];
    for (const args of calls) await attempt(() => (fs.writeSync as (...a: unknown[]) => unknown)(fd, ...args));
    fs.closeSync(fd);
    for (const bad of [fd, 1_000_000, -1, 1.5, '3', null]) await attempt(() => fs.writeSync(wrong(bad), 'x'));
  }),
  sync('writevSync', async (fs, here, attempt) => {
    const fd = fs.openSync(here('a'), 'w+');
    const runs = [
      Buffer.from('one'),
      Buffer.alloc(0),
      new Uint8Array(5000).fill(0x62),
      new DataView(new ArrayBuffer(3)),
    ];
    await attempt(() => fs.writevSync(fd, runs));
    await attempt(() => fs.writevSync(fd, runs, 10_000));
    await attempt(() => fs.writevSync(fd, runs, wrong('7')));
    await attempt(() => fs.writevSync(fd, []));
    await attempt(() => fs.writevSync(fd, wrong('x')));
    await attempt(() => fs.writevSync(fd, wrong(['x'])));
    fs.closeSync(fd);
  }),
  sync('appending writes go to the end, wherever they are said to go', (fs, here) => {
    const one = fs.openSync(here('a'), 'a+');
    const two = fs.openSync(here('a'), 'a');
    const counts = [
      fs.writeSync(one, '11'),
      fs.writeSync(two, '22'),
      fs.writeSync(one, '33', 0),
      fs.writevSync(two, [Buffer.from('4'), Buffer.from('4')], 1),
    ];
    const read = Buffer.alloc(20);
    counts.push(fs.readSync(one, read, 0, 20, null), fs.readSync(one, read, 0, 20, 0));
    fs.closeSync(one);
    fs.closeSync(two);
    return [counts, read.toString('latin1')];
  }),
  sync('holes are zeros, and what is cut off does not come back', (fs, here) => {
    const fd = fs.openSync(here('a'), 'w+');
    fs.writeSync(fd, 'x'.repeat(10_000));
    fs.ftruncateSync(fd, 5000);
    fs.ftruncateSync(fd, 9000);
    fs.writeSync(fd, 'end', 300_000);
    fs.ftruncateSync(fd, 300_001);
    fs.ftruncateSync(fd);
    fs.ftruncateSync(fd, 4097);
    fs.writeSync(fd, 'y', 4096);
    const read = fs.readFileSync(here('a'));
    fs.closeSync(fd);
    return read;
  }),
  sync('ftruncateSync and truncateSync, arguments', async (fs, here, attempt) => {
    fs.writeFileSync(here('a'), 'abcdef');
    const [read, write] = [fs.openSync(here('a'), 'r'), fs.openSync(here('a'), 'r+')];
    for (const length of [4, -5, 1.5, '3', null, Number.NaN, 2 ** 53]) {
      await attempt(() => fs.ftruncateSync(write, wrong(length)));
      await attempt(() => fs.truncateSync(here('a'), wrong(length)));
    }
    await attempt(() => fs.ftruncateSync(read, 1));
    fs.closeSync(read);
    fs.closeSync(write);
    await attempt(() => fs.ftruncateSync(write, 1));
    await attempt(() => fs.fsyncSync(write));
    await attempt(() => fs.fdatasyncSync(write));
    await attempt(() => fs.readFileSync(here('a'), 'utf8'));
  }),
  sync('a file that is removed while it is open stays until it is closed', (fs, here) => {
    const fd = fs.openSync(here('a'), 'w+');
    fs.writeSync(fd, 'before ');
    fs.unlinkSync(here('a'));
    fs.writeSync(fd, 'after');
    const { nlink, size } = fs.fstatSync(fd);
    fs.writeFileSync(here('a'), 'another');
    const read = fs.readFileSync(here('a'), 'utf8');
    const buffer = Buffer.alloc(30);
    const count = fs.readSync(fd, buffer, 0, 30, 0);
    fs.fsyncSync(fd);
    fs.closeSync(fd);
    return [nlink, size, read, buffer.toString('latin1', 0, count)];
  }),
  sync('a directory that is removed while it is open', async (fs, here, attempt) => {
    fs.mkdirSync(here('d'));
    const fd = fs.openSync(here('d'), 'r');
    fs.rmdirSync(here('d'));
    await attempt(() => fs.fstatSync(fd).isDirectory());
    await attempt(() => fs.fchmodSync(fd, 0o700));
    await attempt(() => fs.writeSync(fd, 'x'));
    await attempt(() => fs.closeSync(fd));
  }),
  sync('large files', (fs, here) => {
    const data = Buffer.alloc(3_000_000);
    for (let at = 0; at < data.length; at += 4) data.writeUInt32LE((at * 2654435761) >>> 0, at);
    fs.writeFileSync(here('a'), data);
    fs.appendFileSync(here('a'), data.subarray(7, 1_234_567));
    const fd = fs.openSync(here('a'), 'r+');
    fs.writeSync(fd, data, 5, 1_000_001, 999_999);
    fs.closeSync(fd);
    return fs.readFileSync(here('a')).equals(fs.readFileSync(here('a')));
  }),
  sync('bytes in paths', (fs, here) => {
    const name = Buffer.concat([Buffer.from(here()), Buffer.from([0xff, 0xfe])]);
    fs.writeFileSync(name, 'x');
    fs.renameSync(name, Buffer.concat([name, Buffer.from([0x80])]));
    fs.symlinkSync(Buffer.from([0xff]), Buffer.concat([name, Buffer.from('l')]));
    return fs.readdirSync(here(), 'latin1' as 'utf8').sort();
  }),
];

export const names: Sequence[] = [
  everywhere('mkdirSync', (fs, path) => fs.mkdirSync(path)),
  everywhere('rmdirSync', (fs, path) => fs.rmdirSync(path)),
  everywhere('unlinkSync', (fs, path) => fs.unlinkSync(path)),
  everywhere('symlinkSync', (fs, path) => fs.symlinkSync('target', path)),
  everywhere('linkSync to it', (fs, path, here) => fs.linkSync(here('file'), path)),
  everywhere('linkSync from it', (fs, path, here) => fs.linkSync(path, here('new'))),
  everywhere('renameSync from it', (fs, path, here) => fs.renameSync(path, here('new'))),
  everywhere('renameSync of it to a directory', (fs, path, here) => fs.renameSync(path, here('new/'))),
  everywhere('renameSync of a file to it', (fs, path, here) => fs.renameSync(here('file'), path)),
  everywhere('renameSync of a directory to it', (fs, path, here) => fs.renameSync(here('full'), path)),
  everywhere('renameSync of nothing to it', (fs, path, here) => fs.renameSync(here('nothing'), path)),
  everywhere('renameSync of it to a long name', (fs, path, here) => fs.renameSync(path, here('n'.repeat(256)))),
  everywhere('copyFileSync to it', (fs, path, here) => fs.copyFileSync(here('full/inside'), path)),
  everywhere('copyFileSync from it', (fs, path, here) => fs.copyFileSync(path, here('new'))),
  everywhere('copyFileSync to it, if absent', (fs, path, here) =>
    fs.copyFileSync(here('full/inside'), path, constants.COPYFILE_EXCL),
  ),
  everywhere('mkdtempSync', (fs, path) => {
    const made = fs.mkdtempSync(path);
    fs.rmdirSync(made);
    return made.slice(0, -6);
  }),
  byCode(everywhere('rmSync', (fs, path) => fs.rmSync(path))),
  byCode(everywhere('rmSync force', (fs, path) => fs.rmSync(path, { force: true }))),
  byCode(everywhere('rmSync recursive', (fs, path) => !path.endsWith('..') && fs.rmSync(path, { recursive: true }))),
  everywhere('mkdirSync recursive', (fs, path) => withoutSlash(fs.mkdirSync(path, { recursive: true }))),
  everywhere('mkdirSync recursive, further down', (fs, path) =>
    withoutSlash(fs.mkdirSync(`${path}/a/b`, { recursive: true })),
  ),
  sync('mkdirSync, what it returns', (fs, here) =>
    [
      fs.mkdirSync(here('a')),
      fs.mkdirSync(here('a/b/c/d'), { recursive: true }),
      fs.mkdirSync(here('a/b/c/d'), { recursive: true }),
      fs.mkdirSync(here('a/b/../e/./f'), { recursive: true }),
      fs.mkdirSync(here('x/y/'), { recursive: true, mode: 0o700 }),
    ].map((made) => made?.replace(here(), '')),
  ),
  sync('mkdirSync with modes', async (fs, here, attempt) => {
    for (const mode of [0, 0o777, 0o7777, 0o1700, '2750']) await attempt(() => fs.mkdirSync(here(`m${mode}`), mode));
    await attempt(() => fs.mkdirSync(here('o'), { mode: 0o705 }));
    for (const mode of ['rwx', 1.5, -1, true]) await attempt(() => fs.mkdirSync(here('bad'), { mode: wrong(mode) }));
    await attempt(() => fs.mkdirSync(here('bad'), { recursive: wrong(1) }));
  }),
  sync('directories with the set-group-ID bit give it on', (fs, here) => {
    fs.mkdirSync(here('d'));
    fs.chmodSync(here('d'), 0o2775);
    fs.mkdirSync(here('d/below'));
    fs.mkdirSync(here('d/below/further'));
    fs.writeFileSync(here('d/file'), 'x');
    return ['d/below', 'd/below/further', 'd/file'].map((name) => fs.statSync(here(name)).mode.toString(8));
  }),
  sync('link counts of directories', (fs, here) => {
    for (const name of ['a', 'a/b', 'a/c', 'd']) fs.mkdirSync(here(name));
    fs.renameSync(here('a/b'), here('d/b'));
    fs.rmdirSync(here('a/c'));
    return [here('a'), here('d'), here('d/b')].map((path) => fs.readdirSync(path).length);
  }),
  sync('renames over what is there', async (fs, here, attempt) => {
    for (const [from, to] of [
      ['file', 'other'],
      ['empty', 'other'],
      ['file', 'empty'],
      ['full', 'empty'],
      ['empty', 'full'],
      ['full', 'full'],
      ['full', 'full/below'],
      ['full/sub', 'full'],
      ['file', 'hard'],
      ['to-file', 'file'],
      ['file', 'to-absent'],
    ]) {
      fs.rmSync(here('r'), { recursive: true, force: true });
      fs.mkdirSync(here('r'));
      const inside = (name: string): string => here(`r/${name}`);
      furnish(fs, inside as (name?: string) => string);
      fs.writeFileSync(inside('other'), 'other');
      fs.linkSync(inside('file'), inside('hard'));
      fs.mkdirSync(inside('full/sub'));
      await attempt(() => fs.renameSync(inside(from!), inside(to!)));
      await attempt(() => fs.readdirSync(here('r')).sort());
    }
  }),
  sync('hard links share everything', (fs, here) => {
    fs.writeFileSync(here('a'), 'one');
    fs.linkSync(here('a'), here('b'));
    fs.appendFileSync(here('b'), ' two');
    fs.chmodSync(here('a'), 0o600);
    fs.unlinkSync(here('a'));
    return [fs.readFileSync(here('b'), 'utf8'), fs.statSync(here('b')).nlink];
  }),
  sync('symlinkSync, types and targets', async (fs, here, attempt) => {
    for (const type of ['dir', 'file', 'junction', null, undefined, 'what']) {
      await attempt(() => fs.symlinkSync('x', here(`t-${type}`), wrong(type)));
    }
    for (const target of ['', 'x'.repeat(4095), 'x'.repeat(4096), '/', '..', 'a\0b', 5]) {
      await attempt(() => fs.symlinkSync(wrong(target), here(`l${String(target).length}`)));
    }
    await attempt(() => fs.readlinkSync(here('l4095')).length);
  }),
  sync('copyFileSync takes the mode over, and holes', (fs, here) => {
    const fd = fs.openSync(here('a'), 'w', 0o751);
    fs.writeSync(fd, 'start');
    fs.writeSync(fd, 'end', 700_000);
    fs.ftruncateSync(fd, 900_000);
    fs.closeSync(fd);
    fs.writeFileSync(here('b'), 'longer than nothing');
    fs.copyFileSync(here('a'), here('b'));
    fs.copyFileSync(here('a'), here('c'), constants.COPYFILE_FICLONE);
    fs.copyFileSync(here('a'), here('a'));
    return [fs.readFileSync(here('b')).equals(fs.readFileSync(here('a'))), fs.statSync(here('c')).size];
  }),
  byCode(
    sync('copyFileSync, arguments', async (fs, here, attempt) => {
      fs.writeFileSync(here('a'), 'a');
      for (const mode of [8, -1, null]) await attempt(() => fs.copyFileSync(here('a'), here('b'), wrong(mode)));
      await attempt(() => fs.copyFileSync(wrong(5), here('b')));
      await attempt(() => fs.copyFileSync(here('a'), wrong(null)));
      await attempt(() => fs.renameSync(wrong(5), here('b')));
      await attempt(() => fs.renameSync(here('a'), wrong({})));
      await attempt(() => fs.linkSync(here('a'), wrong(undefined)));
    }),
  ),
  byCode(
    sync('rmSync, options', async (fs, here, attempt) => {
      fs.mkdirSync(here('a/b/c'), { recursive: true });
      for (let index = 0; index < 300; index++) fs.writeFileSync(here(`a/b/${index}`), String(index));
      fs.symlinkSync('..', here('a/b/up'));
      fs.mkdirSync(here('kept'));
      fs.symlinkSync('../kept', here('a/kept'));
      await attempt(() => fs.rmSync(here('a'), { recursive: wrong(1) }));
      await attempt(() => fs.rmSync(here('a'), { maxRetries: -1 }));
      await attempt(() => fs.rmSync(here('a'), { retryDelay: 1.5 }));
      await attempt(() => fs.rmSync(here('a'), wrong('x')));
      await attempt(() => fs.rmSync(here('a'), { recursive: true, maxRetries: 3, retryDelay: 1 }));
      await attempt(() => fs.readdirSync(here()));
      await attempt(() => fs.rmSync(here('a'), { recursive: true }));
      await attempt(() => fs.rmSync(here('a'), { recursive: true, force: true }));
    }),
  ),
];

/** A tree with one of everything that cp meets. */
function tree(fs: WriteSync, here: (name?: string) => string): void {
  fs.mkdirSync(here('src/sub/deep'), { recursive: true });
  fs.writeFileSync(here('src/a'), 'a', { mode: 0o640 });
  fs.utimesSync(here('src/a'), 1e8, 1.5e8);
  fs.writeFileSync(here('src/sub/b'), 'b');
  fs.chmodSync(here('src/sub'), 0o705);
  fs.symlinkSync('a', here('src/relative'));
  fs.symlinkSync('sub', here('src/to-sub'));
  fs.linkSync(here('src/a'), here('src/sub/hard'));
}

const cp = (
  name: string,
  options: object,
  before?: (fs: WriteSync, here: (name?: string) => string) => void,
): Sequence =>
  byCode(
    sync(`cpSync ${name}`, async (fs, here, attempt) => {
      tree(fs, here);
      before?.(fs, here);
      await attempt(() => fs.cpSync(here('src'), here('dest'), { recursive: true, ...options }));
      await attempt(() => fs.cpSync(here('src/a'), here('one/of/it'), options));
      await attempt(() => fs.readlinkSync(here('dest/relative')).replace(here(), ''));
    }),
  );

const taken = (fs: WriteSync, here: (name?: string) => string): void => {
  fs.mkdirSync(here('dest/sub'), { recursive: true });
  fs.writeFileSync(here('dest/a'), 'taken');
  fs.writeFileSync(here('dest/sub/own'), 'own');
};

export const copying: Sequence[] = [
  cp('a tree', {}),
  cp('a tree over another', {}, taken),
  cp('without force', { force: false }, taken),
  byCode(
    sync('cpSync with errorOnExist', async (fs, here, attempt) => {
      fs.mkdirSync(here('src'));
      fs.writeFileSync(here('src/a'), 'a');
      const options = { force: false, errorOnExist: true, recursive: true };
      for (let twice = 0; twice < 2; twice++) {
        await attempt(() => fs.cpSync(here('src'), here('dest'), options));
        await attempt(() => fs.cpSync(here('src/a'), here('b'), options));
      }
    }),
  ),
  cp('dereferenced', { dereference: true }),
  cp('with times', { preserveTimestamps: true }),
  cp('with symlinks as they are', { verbatimSymlinks: true }),
  cp('COPYFILE_EXCL', { mode: constants.COPYFILE_EXCL }, taken),
  cp('what a filter accepts', {
    filter: (source: string) => !source.endsWith('/sub') && !source.endsWith('/relative'),
  }),
  cp('nothing of what a filter refuses', { filter: () => false }),
  cp('over a symlink', {}, (fs, here) => {
    fs.mkdirSync(here('dest'));
    fs.writeFileSync(here('dest/elsewhere'), 'kept');
    fs.symlinkSync('elsewhere', here('dest/a'));
    fs.symlinkSync('elsewhere', here('dest/relative'));
  }),
  byCode(
    sync('cpSync, what is refused', async (fs, here, attempt) => {
      tree(fs, here);
      fs.mkdirSync(here('other'));
      fs.symlinkSync('src', here('link'));
      for (const [from, to, options] of [
        ['src', 'x', {}],
        ['src', 'src', { recursive: true }],
        ['src', 'src/inside', { recursive: true }],
        ['src', 'link/inside', { recursive: true }],
        ['src', 'src/sub/deep/deeper', { recursive: true }],
        ['src', 'src/a', { recursive: true }],
        ['src/a', 'other', { recursive: true }],
        ['src/a', 'src/a', {}],
        ['src/a', 'src/a/b', {}],
        ['absent', 'x', {}],
        ['src', 'x', { recursive: 1 }],
        ['src', 'x', { mode: 8 }],
        ['src', 'x', { filter: 'all' }],
        ['src', 'x', { dereference: true, verbatimSymlinks: true }],
        ['src', 'x', { filter: async () => true }],
        ['src', 'x', 'recursive'],
      ] as Array<[string, string, object]>) {
        await attempt(() => fs.cpSync(here(from), here(to), wrong(options)));
      }
    }),
  ),
];

export const promises: Sequence[] = [
  promise('writeFile, appendFile, readFile', async (fs, here, attempt) => {
    await attempt(() => fs.writeFile(here('a'), 'one'));
    await attempt(() => fs.appendFile(here('a'), Buffer.from(' two')));
    await attempt(() => fs.writeFile(here('a'), 'x', { flag: 'wx' }));
    await attempt(() => fs.writeFile(here('b'), 'c0ff', { encoding: 'hex', mode: 0o600, flush: true }));
    await attempt(() => fs.writeFile(here('b'), wrong(5)));
    await attempt(() => fs.writeFile(here('absent/b'), 'x'));
    await attempt(() => fs.readFile(here('a'), 'utf8'));
  }),
  promise('writeFile of parts', async (fs, here, attempt) => {
    await attempt(() => fs.writeFile(here('a'), ['one', ' two ', Buffer.from('three')]));
    await attempt(() =>
      fs.writeFile(
        here('b'),
        (async function* () {
          yield 'a';
          yield new Uint8Array([98, 99]);
        })(),
      ),
    );
    await attempt(() => fs.writeFile(here('c'), Readable.from(['from ', 'a stream'])));
    await attempt(() =>
      fs.writeFile(
        here('d'),
        (function* () {
          yield 'before';
          throw Object.assign(new Error('enough'), { code: 'OWN' });
        })(),
      ),
    );
    await attempt(() => fs.writeFile(here('e'), [wrong(5)]).catch(({ code }) => code));
  }),
  promise('writeFile, aborted', async (fs, here, attempt) => {
    await attempt(() =>
      fs.writeFile(here('a'), 'x', { signal: AbortSignal.abort() }).catch(({ name, code }) => [name, code]),
    );
    const controller = new AbortController();
    const writing = fs.writeFile(here('b'), Buffer.alloc(5_000_000), { signal: controller.signal });
    controller.abort();
    await attempt(() => writing.catch(({ name, code }) => [name, code]));
    await attempt(() => fs.rm(here('b'), { force: true })); // whether it was made by then is not said
  }),
  promise('a handle that writes', async (fs, here) => {
    const handle = await fs.open(here('a'), 'w+', 0o640);
    const results = [
      await handle.write('text'),
      await handle.write('more', 10),
      await handle.write(Buffer.from('abcdef'), 1, 2, 20),
      await handle.write(Buffer.from('abcdef'), wrong({ offset: 4 })),
      await handle.write(Buffer.alloc(0)),
      await handle.writev([Buffer.from('v'), Buffer.from('w')]),
      await handle.writev([Buffer.from('V'), Buffer.from('W')], 30),
      await handle.writeFile(' whole '),
      await handle.appendFile('appended'),
      await handle.writeFile(wrong(['of ', 'parts'])),
      await handle.datasync(),
      await handle.sync(),
      (await handle.stat()).size,
      await handle.truncate(35),
      await handle.chmod(0o600),
      (await handle.stat()).size,
      await handle.truncate(),
      await handle.writeFile('end', { encoding: 'utf16le' }),
      await handle.close(),
    ];
    const closed = await handle.write('x').catch(({ code, syscall }) => [code, syscall]);
    return [results, closed, await fs.readFile(here('a'), 'latin1')];
  }),
  promise('writes of one handle that overlap are all there', async (fs, here) => {
    const handle = await fs.open(here('a'), 'w+');
    await Promise.all(Array.from({ length: 20 }, (_, index) => handle.write(String(index % 10).repeat(3000))));
    await handle.close();
    // In what order Node leaves to its threads.
    const text = await fs.readFile(here('a'), 'latin1');
    await fs.rm(here('a'));
    return [...'0123456789'].map((digit) => text.split(digit).length - 1);
  }),
  promise('fs.writeFile and appendFile of a handle', async (fs, here) => {
    const handle = await fs.open(here('a'), 'w+');
    await fs.writeFile(handle, 'one');
    await fs.appendFile(handle, ' two');
    await handle.close();
    return fs.readFile(here('a'), 'utf8');
  }),
  promise('close waits for what has begun', async (fs, here) => {
    const handle = await fs.open(here('a'), 'w');
    const writing = handle.write(Buffer.alloc(2_000_000, 1));
    await handle.close();
    const { bytesWritten } = await writing;
    return [bytesWritten, (await fs.stat(here('a'))).size];
  }),
  promise('names', async (fs, here, attempt) => {
    await attempt(() => fs.mkdir(here('d')));
    await attempt(() => fs.mkdir(here('d')));
    await attempt(async () => (await fs.mkdir(here('e/f/g'), { recursive: true }))?.replace(here(), ''));
    await attempt(() => fs.mkdir(here('m'), 0o700));
    await attempt(async () => (await fs.mkdtemp(here('t-'))).slice(0, -6));
    await attempt(() => fs.writeFile(here('d/a'), 'a'));
    await attempt(() => fs.link(here('d/a'), here('d/b')));
    await attempt(() => fs.symlink('a', here('d/l')));
    await attempt(() => fs.rename(here('d/a'), here('e/a')));
    await attempt(() => fs.rename(here('d/none'), here('e/a')));
    await attempt(() => fs.copyFile(here('e/a'), here('e/c')));
    await attempt(() => fs.copyFile(here('e/a'), here('e/c'), constants.COPYFILE_EXCL));
    await attempt(() => fs.truncate(here('e/c'), 0));
    await attempt(() => fs.truncate(here('e'), 0));
    await attempt(() => fs.unlink(here('e/c')));
    await attempt(() => fs.unlink(here('e')));
    await attempt(() => fs.rmdir(here('e')));
    await attempt(() => fs.rmdir(here('m')));
    for (const name of await fs.readdir(here())) if (name.startsWith('t-')) await fs.rmdir(here(name));
  }),
  byCode(
    promise('rm and cp', async (fs, here, attempt) => {
      await fs.mkdir(here('src/sub'), { recursive: true });
      await fs.writeFile(here('src/sub/a'), 'a');
      await fs.writeFile(here('src/b'), 'b');
      await attempt(() => fs.cp(here('src'), here('x')));
      await attempt(() =>
        fs.cp(here('src'), here('x'), { recursive: true, filter: async (from) => !from.endsWith('/b') }),
      );
      await attempt(() => fs.cp(here('src'), here('x'), { recursive: true, errorOnExist: true, force: false }));
      await attempt(() => fs.rm(here('x')));
      await attempt(() => fs.rm(here('x'), { recursive: true }));
      await attempt(() => fs.rm(here('x'), { recursive: true }));
      await attempt(() => fs.rm(here('x'), { force: true }));
      const failing = async (): Promise<boolean> => {
        throw Object.assign(new Error('no'), { code: 'OWN' });
      };
      await attempt(() => fs.cp(here('src'), here('y'), { recursive: true, filter: failing }));
    }),
  ),
];

const stream = (
  name: string,
  run: (fs: WriteSync, here: (name?: string) => string, subject: WriteSubject) => Promise<unknown>,
): Sequence => ({ name: `stream: ${name}`, run: (subject, here) => run(subject.sync, here, subject) });

export const streams: Sequence[] = [
  stream('a pipeline', async (fs, here, { promises: later }) => {
    await pipeline(Readable.from(['one ', 'two ', Buffer.from('three')]), fs.createWriteStream(here('a')));
    return later.readFile(here('a'), 'utf8');
  }),
  stream('from a start, with flags and mode', async (fs, here, { promises: later }) => {
    await later.writeFile(here('a'), '0123456789');
    const to = fs.createWriteStream(here('a'), { flags: 'r+', start: 4 });
    to.end('xyz');
    await once(to, 'close');
    const made = fs.createWriteStream(here('b'), { mode: 0o600, encoding: 'hex', flush: true });
    made.end('c0ffee');
    await once(made, 'close');
    return [await later.readFile(here('a'), 'utf8'), to.bytesWritten, await later.readFile(here('b'), 'hex')];
  }),
  stream('many small pieces', async (fs, here, { promises: later }) => {
    const to = fs.createWriteStream(here('a'), { highWaterMark: 100 });
    for (let index = 0; index < 500; index++) if (!to.write(`${index} `)) await once(to, 'drain');
    to.end();
    await once(to, 'close');
    return later.readFile(here('a'), 'utf8');
  }),
  stream('corked pieces are one write', async (fs, here, { promises: later }) => {
    const to = fs.createWriteStream(here('a'));
    to.cork();
    for (const piece of ['a', 'b', 'c']) to.write(piece);
    to.uncork();
    to.end();
    await once(to, 'close');
    return [await later.readFile(here('a'), 'utf8'), to.bytesWritten];
  }),
  stream('nowhere', async (fs, here) => {
    const to = fs.createWriteStream(here('absent/a'));
    const [error] = await once(to, 'error');
    return [error.code, error.syscall];
  }),
  stream('of a handle closes it', async (_fs, here, { promises: later }) => {
    const handle = await later.open(here('a'), 'w');
    const to = handle.createWriteStream();
    to.end('through a handle');
    await once(to, 'close');
    return [handle.fd, await later.readFile(here('a'), 'utf8')];
  }),
  stream('destroyed early', async (fs, here, { promises: later }) => {
    const to = fs.createWriteStream(here('a'));
    await once(to, 'open');
    to.write('kept');
    await new Promise<void>((resolve) => to.write('x', () => resolve()));
    to.destroy();
    await once(to, 'close');
    return [to.destroyed, await later.readFile(here('a'), 'utf8')];
  }),
  stream('a copy from stream to stream', async (fs, here, { promises: later }) => {
    await later.writeFile(here('a'), Buffer.alloc(300_000, 'pattern '));
    await pipeline(fs.createReadStream(here('a'), { highWaterMark: 10_000 }), fs.createWriteStream(here('b')));
    return (await later.readFile(here('a'))).equals(await later.readFile(here('b')));
  }),
];
