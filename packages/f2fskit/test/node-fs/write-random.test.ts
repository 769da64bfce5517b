// Random calls on Node's own fs and on a volume: the same answers and, after each run, the same tree; for a reader that knows
// nothing of the writer too. A call that is one operation of Linux and fails has changed nothing on the volume, no time
// included.

import type { MemoryDevice } from '@f2fskit/block';
import { checkVolume } from '@f2fskit/f2fs-tools';
import { type RandomSource, runSync, seededRandom } from '@f2fskit/task';
import { describe, expect, it } from 'vitest';
import { judged, objections } from './judge.ts';
import {
  answer,
  at,
  emptySubject,
  hostSubject,
  isRoot,
  laterSubject,
  reopened,
  snapshot,
  type VolumeSubject,
  volumeSubject,
  type WriteSubject,
} from './write-subjects.ts';

const NAMES = ['a', 'b', 'c', 'd', 'ünïcödé 🙂', 'n'.repeat(200)];

/** One call as text, and how it is made on a subject. */
interface Call {
  text: string;
  /** Several operations of Linux: when it fails, some of them are done. */
  compound?: true;
  run(subject: WriteSubject, open: Map<string, number>): unknown;
}

/** The open files are known by letters: their numbers differ. */
const FILES = ['p', 'q', 'r'];

/** Draws calls. The trees are small, so that most calls meet something. */
class Draw {
  readonly #random: RandomSource;

  constructor(random: RandomSource) {
    this.#random = random;
  }

  one<T>(list: readonly T[]): T {
    return list[this.#random.below(list.length)]!;
  }

  /** Up to three names below where calls begin, sometimes with a slash behind them, or one of the dots between. */
  path(): string {
    const names = Array.from({ length: 1 + this.#random.below(3) }, () => this.one(NAMES));
    if (this.#random.chance(0.05)) names.splice(this.#random.below(names.length + 1), 0, this.one(['.', '..']));
    return `/${names.join('/')}${this.#random.chance(0.07) ? '/' : ''}`;
  }

  bytes(): Buffer {
    const length = this.#random.below(this.one([5, 5000, 20_000]));
    return Buffer.alloc(length, String(this.#random.below(1000)));
  }

  call(): Call {
    const { path, second, mode, size, data } = {
      path: this.path(),
      second: this.path(),
      mode: this.one(isRoot ? [0o600, 0o644, 0o755, 0o4711, 0o2775] : [0o755, 0o700]),
      size: this.#random.below(this.one([10, 4097, 30_000])),
      data: this.bytes(),
    };
    const target = `${this.one(['', '', '../', './'])}${this.one(NAMES)}${this.one(['', '', '/', `/${this.one(NAMES)}`])}`;
    const file = this.one(FILES);
    const flags = this.one(['r', 'r+', 'w', 'w+', 'wx', 'wx+', 'a', 'a+', 'ax']);
    const seconds = this.#random.below(1e9);
    const calls: Array<() => Call> = [
      () => call(`mkdir ${path}`, ({ sync }, p) => sync.mkdirSync(p(path), mode)),
      () => call(`mkdir ${path}`, ({ sync }, p) => sync.mkdirSync(p(path))),
      () =>
        compound(`mkdir -p ${path}`, ({ sync }, p) =>
          sync.mkdirSync(p(path), { recursive: true })?.replace(/\/+$/, ''),
        ),
      () => call(`rmdir ${path}`, ({ sync }, p) => sync.rmdirSync(p(path))),
      () => call(`unlink ${path}`, ({ sync }, p) => sync.unlinkSync(p(path))),
      () =>
        compound(
          `rm -rf ${path}`,
          ({ sync }, p) => !path.includes('/.') && sync.rmSync(p(path), { recursive: true, force: true }),
        ),
      () => call(`rename ${path} ${second}`, ({ sync }, p) => sync.renameSync(p(path), p(second))),
      () => call(`rename ${second} ${path}`, ({ sync }, p) => sync.renameSync(p(second), p(path))),
      () => call(`link ${path} ${second}`, ({ sync }, p) => sync.linkSync(p(path), p(second))),
      () => call(`symlink ${target} ${path}`, ({ sync }, p) => sync.symlinkSync(target, p(path))),
      () => call(`writeFile ${path}`, ({ sync }, p) => sync.writeFileSync(p(path), data, { mode })),
      () => call(`writeFile ${path}`, ({ sync }, p) => sync.writeFileSync(p(path), data)),
      () => call(`appendFile ${path}`, ({ sync }, p) => sync.appendFileSync(p(path), data)),
      () => call(`truncate ${path} ${size}`, ({ sync }, p) => sync.truncateSync(p(path), size)),
      () => call(`chmod ${path}`, ({ sync }, p) => sync.chmodSync(p(path), mode)),
      () => call(`utimes ${path}`, ({ sync }, p) => setTimes(sync, p(path), seconds)),
      () => compound(`copyFile ${path} ${second}`, ({ sync }, p) => copyFile(sync, p(path), p(second))),
      () =>
        compound(
          `cp -r ${path} ${second}`,
          ({ sync }, p) =>
            !second.includes('/.') && sync.cpSync(p(path), p(second), { recursive: true, verbatimSymlinks: true }),
        ),
      () => call(`readFile ${path}`, ({ sync }, p) => sync.readFileSync(p(path))),
      () => call(`readdir ${path}`, ({ sync }, p) => sync.readdirSync(p(path)).sort()),
      () => call(`readlink ${path}`, ({ sync }, p) => sync.readlinkSync(p(path))),
      () =>
        call(`${file} = open ${path} ${flags}`, ({ sync }, p, open) => {
          const fd = sync.openSync(p(path), flags, mode);
          if (open.has(file)) sync.closeSync(open.get(file)!);
          open.set(file, fd);
        }),
      () => call(`write ${file}`, ({ sync }, _, open) => sync.writeSync(open.get(file) ?? 1e6, data)),
      () =>
        call(`write ${file} at ${size}`, ({ sync }, _, open) =>
          sync.writeSync(open.get(file) ?? 1e6, data, 0, null, size),
        ),
      () =>
        call(`read ${file}`, ({ sync }, _, open) => {
          const buffer = Buffer.alloc(size + 1);
          return [sync.readSync(open.get(file) ?? 1e6, buffer), buffer];
        }),
      () => call(`ftruncate ${file} ${size}`, ({ sync }, _, open) => sync.ftruncateSync(open.get(file) ?? 1e6, size)),
      () => call(`fsync ${file}`, ({ sync }, _, open) => sync.fsyncSync(open.get(file) ?? 1e6)),
      () =>
        call(`fstat ${file}`, ({ sync }, _, open) => {
          const stats = sync.fstatSync(open.get(file) ?? 1e6);
          return [stats.mode, stats.isDirectory() || [stats.size, stats.nlink]];
        }),
    ];
    return this.one(calls)();
  }
}

type Run = (subject: WriteSubject, at: (place: string) => string, open: Map<string, number>) => unknown;

function call(text: string, run: Run): Call {
  return { text, run: (subject, open) => run(subject, (place) => at(subject, place), open) };
}

const compound = (text: string, run: Run): Call => ({ ...call(text, run), compound: true });

/** Not of directories: one that moves below another gets a new time on F2FS, because its `..` is written. */
function setTimes(fs: WriteSubject['sync'], path: string, seconds: number): void {
  if (!fs.statSync(path).isDirectory()) fs.utimesSync(path, seconds, seconds);
}

/** A copy that fails removes its target, in Node even when that was there before: not from a directory, then. */
function copyFile(fs: WriteSubject['sync'], from: string, to: string): void {
  if (fs.statSync(from).isFile()) fs.copyFileSync(from, to);
}

function shown(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value ?? null));
}

async function sequence(subject: VolumeSubject, seed: number, calls: number): Promise<void> {
  const host = hostSubject();
  const draw = new Draw(seededRandom(seed));
  const open = [new Map<string, number>(), new Map<string, number>()] as const;
  let before = snapshot(subject, subject.top, true);
  let failed = 0;
  try {
    for (let index = 0; index < calls; index++) {
      const { text, run, compound: several } = draw.call();
      const where = `seed ${seed}, call ${index}: ${text}`;
      const codeOnly = text.startsWith('cp') || text.startsWith('rm -rf');
      const expected = await answer(host, codeOnly, () => run(host, open[0]));
      const found = (await answer(subject, codeOnly, () => run(subject, open[1]))) as Record<string, unknown>;
      expect(shown(found), where).toEqual(shown(expected));
      const after = snapshot(subject, subject.top, true);
      if ('code' in found && several !== true) {
        failed++;
        expect(after, `${where}: nothing has changed`).toEqual(before);
      }
      before = after;
      if (index % 8 === 0) expect(snapshot(subject, subject.top), where).toEqual(snapshot(host, host.top));
      if (index % 25 === 0) await subject.volume.sync();
    }
    expect(failed, 'calls that fail').toBeGreaterThan(calls / 20);
    for (const fd of open[0].values()) host.sync.closeSync(fd);
    for (const fd of open[1].values()) subject.sync.closeSync(fd);
    expect(snapshot(subject, subject.top)).toEqual(snapshot(host, host.top));
    await subject.volume.close();
    expect(snapshot(reopened(subject), subject.top)).toEqual(snapshot(host, host.top));
  } finally {
    host.dispose();
  }
}

function judge(memory: MemoryDevice): void {
  const { findings } = runSync(checkVolume(memory.clone()));
  expect(findings).toEqual([]);
  if (judged) expect(objections(memory)).toBe('');
}

describe('random calls', () => {
  it.each([1, 2, 3])('beside what Linux wrote (seed %i)', async (seed) => {
    const subject = volumeSubject();
    await sequence(subject, seed, 120);
    judge(subject.memory);
  });

  it.each([11])('on an empty volume (seed %i)', async (seed) => {
    const subject = emptySubject();
    await sequence(subject, seed, 200);
    judge(subject.memory);
  });
});

/** What calls that run together may come to; anything else is a fault. */
const EXPECTED = [
  'ENOENT',
  'EEXIST',
  'ENOTDIR',
  'EISDIR',
  'ENOTEMPTY',
  'EINVAL',
  'ELOOP',
  'EPERM',
  'EBUSY',
  'EBADF',
  'ENOSPC',
];

describe('calls that run together', () => {
  it.each([21, 22])('on a slow device leave a sound volume (seed %i)', async (seed) => {
    const subject = await laterSubject(seed);
    const random = seededRandom(seed);
    const draw = new Draw(random);
    const { promises: fs, volume } = subject;
    const anywhere = (): string => at(subject, draw.path());
    const calls: Array<() => Promise<unknown>> = [
      () => fs.mkdir(anywhere()),
      () => fs.mkdir(anywhere(), { recursive: true }),
      () => fs.writeFile(anywhere(), draw.bytes()),
      () => fs.appendFile(anywhere(), draw.bytes()),
      () => fs.readFile(anywhere()),
      () => fs.readdir(anywhere()),
      () => fs.truncate(anywhere(), random.below(10_000)),
      () => fs.rename(anywhere(), anywhere()),
      () => fs.rename(anywhere(), anywhere()),
      () => fs.link(anywhere(), anywhere()),
      () => fs.symlink(draw.one(['a', '../b', 'c/']), anywhere()),
      () => fs.unlink(anywhere()),
      () => fs.rmdir(anywhere()),
      () => fs.rm(anywhere(), { recursive: true, force: true }),
      () => fs.copyFile(anywhere(), anywhere()),
      () => fs.cp(anywhere(), anywhere(), { recursive: true }),
      () => useHandle(subject, anywhere(), draw.bytes()),
      () => subject.volume.sync(),
      () => fs.chmod(anywhere(), 0o700),
      () => fs.utimes(anywhere(), 1e9, 1e9),
      () => fs.readlink(anywhere()),
      () => fs.readdir(anywhere(), { recursive: true }),
      () => volume.promises.setxattr(anywhere(), 'user.a', draw.bytes().subarray(0, 300)),
      () => volume.promises.listxattr(anywhere()),
      () => matches(subject, '**/a'),
    ];
    const codes = new Map<string, number>();
    for (let round = 0; round < 20; round++) {
      for (const result of await Promise.allSettled(Array.from({ length: 15 }, () => draw.one(calls)()))) {
        const code = result.status === 'fulfilled' ? 'fine' : String((result.reason as NodeJS.ErrnoException).code);
        if (result.status === 'rejected' && !EXPECTED.includes(code) && !code.startsWith('ERR_FS_'))
          throw result.reason;
        codes.set(code, (codes.get(code) ?? 0) + 1);
      }
    }
    expect(codes.get('fine'), JSON.stringify([...codes])).toBeGreaterThan(50);
    expect(codes.size).toBeGreaterThan(4);
    await subject.volume.close();
    judge(subject.memory);
  });
});

/** Opens a file, writes, reads back what was written if nobody else wrote, and closes it, removed or not. */
async function useHandle({ promises: fs }: WriteSubject, path: string, data: Buffer): Promise<void> {
  const handle = await fs.open(path, 'a+');
  try {
    await Promise.all([handle.write(data), handle.stat(), handle.datasync(), fs.unlink(path).catch(() => {})]);
    const { size } = await handle.stat();
    expect((await handle.readFile()).length).toBeLessThanOrEqual(size);
  } finally {
    await handle.close();
  }
}

/** How many names match. */
async function matches(subject: VolumeSubject, pattern: string): Promise<number> {
  let count = 0;
  for await (const _ of subject.volume.promises.glob(pattern, { cwd: at(subject, '') })) count++;
  return count;
}
