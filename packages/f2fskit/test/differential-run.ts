// One sequence of calls on all subjects: the answers compared call by call, the trees whenever a call asks for it and at the end.

import { isDeepStrictEqual } from 'node:util';
import { type Call, dataOf, type Letter, openFlags, type Place, printCalls } from './differential-calls.ts';
import type { StatsView, Subject } from './differential-subjects.ts';

/** What a call came to. */
type Answer = { value: unknown } | { code: string };

/** Nobody has so many files open. */
const NO_FD = 1_000_000;
/** No call happens before: such times were set by one. */
const LONG_AGO_MS = Date.UTC(2002);

/** The volume is full, of which the model knows nothing. */
export class VolumeFull extends Error {}

interface Shown {
  kind: string;
  mode: number;
  nlink: number | undefined;
  size: number | undefined;
  mtimeMs: number | undefined;
}

function shown(stats: StatsView, own: boolean): Shown {
  const directory = stats.isDirectory();
  return {
    kind: stats.isFile() ? 'file' : directory ? 'directory' : stats.isSymbolicLink() ? 'symlink' : 'something else',
    mode: stats.mode & 0o7777,
    // Filesystems have their own ideas of directories, and the host its own clock.
    nlink: own || !directory ? stats.nlink : undefined,
    size: directory ? undefined : stats.size,
    mtimeMs: own || (!directory && stats.mtimeMs < LONG_AGO_MS) ? stats.mtimeMs : undefined,
  };
}

/** The place as a number, in a file of so many bytes. */
function resolve(place: Place, size: number): number {
  return typeof place === 'number' ? place : Math.max(0, size + place.end);
}

const bytesOf = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);

export class Participant {
  readonly subject: Subject;
  /** Its descriptors. */
  readonly open = new Map<Letter, number>();
  /** `false`: of the host, whose clock and directories are not compared. */
  readonly own: boolean;

  constructor(subject: Subject, own: boolean) {
    this.subject = subject;
    this.own = own;
  }

  /** Bytes of the file that a call is about; 0 where there is none. */
  sizeFor(call: Call): number {
    try {
      if ('file' in call) return this.subject.calls.fstatSync(this.#fd(call.file)).size;
      return call.call === 'truncate' ? this.subject.calls.statSync(this.subject.at(call.path)).size : 0;
    } catch {
      return 0;
    }
  }

  /** Makes the call. `size`: what places from the end are counted from. Throws what is no answer, and VolumeFull. */
  answer(call: Call, size: number): Answer {
    try {
      return { value: this.#run(call, size) };
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === undefined || code === 'EUCLEAN' || code === 'ERR_ASSERTION') throw error;
      if (code === 'ENOSPC') throw new VolumeFull(this.subject.name);
      return { code };
    }
  }

  closeAll(): void {
    for (const fd of this.open.values()) this.subject.calls.closeSync(fd);
    this.open.clear();
  }

  #fd(letter: Letter): number {
    return this.open.get(letter) ?? NO_FD;
  }

  #run(call: Call, size: number): unknown {
    const { subject, own } = this;
    const { calls } = subject;
    const at = (path: string): string => subject.at(path);
    switch (call.call) {
      case 'open': {
        const fd = calls.openSync(at(call.path), openFlags[call.flags], call.mode);
        const before = this.open.get(call.file);
        this.open.set(call.file, fd);
        return before === undefined ? undefined : calls.closeSync(before);
      }
      case 'close': {
        const fd = this.#fd(call.file);
        this.open.delete(call.file);
        return calls.closeSync(fd);
      }
      case 'write': {
        const bytes = dataOf(call.data);
        const position = call.at === null ? null : resolve(call.at, size);
        return calls.writeSync(this.#fd(call.file), bytes, 0, bytes.length, position);
      }
      case 'writev': {
        const position = call.at === null ? undefined : resolve(call.at, size);
        return calls.writevSync(this.#fd(call.file), call.data.map(dataOf), position);
      }
      case 'read': {
        // What is not read stays as it was.
        const bytes = Buffer.alloc(call.length, 0xa5);
        const position = call.at === null ? null : resolve(call.at, size);
        return [calls.readSync(this.#fd(call.file), bytes, 0, call.length, position), bytes];
      }
      case 'ftruncate':
        return calls.ftruncateSync(this.#fd(call.file), resolve(call.size, size));
      case 'fallocate':
        return calls.fallocateSync(this.#fd(call.file), resolve(call.at, size), call.length, call.mode);
      case 'fsync':
        return calls.fsyncSync(this.#fd(call.file));
      case 'fdatasync':
        return calls.fdatasyncSync(this.#fd(call.file));
      case 'fstat':
        return shown(calls.fstatSync(this.#fd(call.file)), own);
      case 'truncate':
        return calls.truncateSync(at(call.path), resolve(call.size, size));
      case 'writeFile':
        return calls.writeFileSync(at(call.path), dataOf(call.data));
      case 'appendFile':
        return calls.appendFileSync(at(call.path), dataOf(call.data));
      case 'readFile':
        return bytesOf(calls.readFileSync(at(call.path)));
      case 'readdir':
        return calls.readdirSync(at(call.path)).sort();
      case 'readlink':
        return calls.readlinkSync(at(call.path));
      case 'stat':
        return shown(calls.statSync(at(call.path)), own);
      case 'lstat':
        return shown(calls.lstatSync(at(call.path)), own);
      case 'unlink':
        return calls.unlinkSync(at(call.path));
      case 'rmdir':
        return calls.rmdirSync(at(call.path));
      case 'mkdir':
        return calls.mkdirSync(at(call.path), call.mode);
      case 'chmod':
        return calls.chmodSync(at(call.path), call.mode);
      case 'rename':
        return calls.renameSync(at(call.from), at(call.to));
      case 'link':
        return calls.linkSync(at(call.from), at(call.to));
      case 'copyFile':
        // A copy that fails removes its target, in Node even one that was there before: not from a directory.
        return calls.statSync(at(call.from)).isFile() ? calls.copyFileSync(at(call.from), at(call.to)) : 'no file';
      case 'symlink':
        return calls.symlinkSync(call.target, at(call.path));
      case 'utimes':
        return calls.utimesSync(at(call.path), call.atime, call.mtime);
      case 'sync':
        return subject.sync();
      case 'dropCaches': {
        const paths = [...tree(this.subject, own)].map(({ path }) => path);
        return subject.dropCaches(paths, [...this.open.values()]);
      }
      case 'reopen':
        this.closeAll();
        return subject.reopen();
      case 'compare':
        return undefined;
    }
  }
}

/** A name of a tree, and everything about what it stands for. */
interface TreeLine {
  path: string;
  stats: Shown;
  /** Of a file, or the target of a symlink. */
  content?: Buffer | string;
}

/** Everything below the root, names in order. */
export function* tree({ calls, at }: Pick<Subject, 'calls' | 'at'>, own: boolean, path = '/'): Generator<TreeLine> {
  const stats = calls.lstatSync(at(path));
  const line: TreeLine = { path, stats: shown(stats, own) };
  if (stats.isFile()) line.content = bytesOf(calls.readFileSync(at(path)));
  if (stats.isSymbolicLink()) line.content = calls.readlinkSync(at(path));
  yield line;
  if (!stats.isDirectory()) return;
  const below = path === '/' ? '/' : `${path}/`;
  for (const name of calls.readdirSync(at(path)).sort()) yield* tree({ calls, at }, own, below + name);
}

/** The first difference between two trees, as text. */
export function treeDifference(expected: Iterable<TreeLine>, found: Iterable<TreeLine>): string | undefined {
  const [left, right] = [[...expected], [...found]];
  for (let index = 0; index < Math.max(left.length, right.length); index++) {
    const difference = valueDifference(left[index], right[index]);
    if (difference !== undefined) return `${left[index]?.path ?? 'no name'}: ${difference}`;
  }
  return undefined;
}

/** What is different in two values, as text; of long contents from where on. */
function valueDifference(expected: unknown, found: unknown): string | undefined {
  if (isDeepStrictEqual(expected, found)) return undefined;
  const [mine, its] = [contentIn(expected), contentIn(found)];
  let where = '';
  if (mine !== undefined && its !== undefined) {
    let at = 0;
    while (at < mine.length && mine[at] === its[at]) at++;
    if (at < Math.max(mine.length, its.length)) where = `, from byte ${at} on (${mine[at]} and ${its[at]})`;
  }
  return `${asText(expected)} and ${asText(found)}${where}`;
}

/** The bytes inside an answer or a line. */
function contentIn(value: unknown): Buffer | undefined {
  if (Buffer.isBuffer(value)) return value;
  if (typeof value !== 'object' || value === null) return undefined;
  for (const inner of Object.values(value)) {
    const found = contentIn(inner);
    if (found !== undefined) return found;
  }
  return undefined;
}

function asText(value: unknown): string {
  const replacer = function (this: Record<string, unknown>, key: string, inner: unknown): unknown {
    const original = this[key];
    return Buffer.isBuffer(original) ? `${original.length} bytes` : inner;
  };
  return JSON.stringify(value, replacer) ?? 'nothing';
}

/** A file that is there, two that are open, a directory: what most calls need. Made before the calls of every sequence. */
const prelude: readonly Call[] = [
  { call: 'mkdir', path: '/d', mode: 0o755 },
  { call: 'open', file: 'p', path: '/a', flags: 'c+', mode: 0o644 },
  { call: 'write', file: 'p', at: 0, data: { seed: 0, length: 10_000 } },
  { call: 'open', file: 'q', path: '/d/b', flags: 'c+', mode: 0o644 },
];

/**
 * Makes the calls on everybody; the first is the one that is right. Throws where an answer or a tree differs, and VolumeFull.
 * `step` is called after each call. Nothing is open at the end.
 */
export function runOnAll(participants: readonly Participant[], calls: readonly Call[], step: () => void): void {
  const [first, ...others] = participants as [Participant, ...Participant[]];
  const differs = (who: Participant, what: string): never => {
    throw new Error(
      `${first.subject.name} and ${who.subject.name} differ in ${what}\nthe calls:\n${printCalls(calls)}`,
    );
  };
  const compareAnswers = (call: Call, size: number, where: string): void => {
    const expected = first.answer(call, size);
    for (const who of others) {
      const difference = valueDifference(comparable(expected, who.own), who.answer(call, size));
      if (difference !== undefined) differs(who, `${where}: ${difference}`);
    }
  };
  const compareTrees = (when: string): void => {
    const expected = new Map([true, false].map((own) => [own, [...tree(first.subject, own)]]));
    for (const who of others) {
      const difference = treeDifference(expected.get(who.own)!, tree(who.subject, who.own));
      if (difference !== undefined) differs(who, `the tree ${when}: ${difference}`);
    }
    // Those without a name are in no tree.
    for (const file of first.open.keys()) {
      const look: Call[] = [
        { call: 'fstat', file },
        { call: 'read', file, at: 0, length: first.sizeFor({ call: 'fstat', file }) + 1 },
      ];
      for (const call of look) compareAnswers(call, 0, `${call.call} of ${file} ${when}`);
    }
  };
  for (const [index, call] of [...prelude, ...calls].entries()) {
    const where = `call ${index - prelude.length}, ${JSON.stringify(call)}`;
    compareAnswers(call, first.sizeFor(call), where);
    if (call.call === 'compare') compareTrees(`at ${where}`);
    step();
  }
  compareTrees('at the end');
  for (const who of participants) who.closeAll();
}

/** The right answer as one that is not our own would give it. */
function comparable(answer: Answer, own: boolean): Answer {
  if (own || 'code' in answer || typeof answer.value !== 'object' || answer.value === null) return answer;
  if (!('mtimeMs' in answer.value)) return answer;
  const stats = answer.value as Shown;
  const directory = stats.kind === 'directory';
  const { mtimeMs, nlink } = stats;
  return {
    value: {
      ...stats,
      nlink: directory ? undefined : nlink,
      mtimeMs: !directory && mtimeMs! < LONG_AGO_MS ? mtimeMs : undefined,
    },
  };
}
