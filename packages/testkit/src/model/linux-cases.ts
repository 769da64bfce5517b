// What Linux answers, as a table: programs with the answer of every step. The tests run each on the model, and in a
// directory of a host that is Linux, so that the table itself is checked. An answer is `ok`, the code of an error, or a
// value. Random programs (random-operations.ts) find these too, but do not say which.

import { isDeepStrictEqual } from 'node:util';
import type { FileReference, OpenFlags, OperationTarget, RenameMode } from './operation-target.ts';
import { applyToTarget, type Operation, type OperationResult } from './operations.ts';

export interface LinuxCase {
  name: string;
  steps: ReadonlyArray<readonly [operation: Operation, answer: unknown]>;
  /** Needs root. */
  privileged?: boolean;
  /** Needs a filesystem that can do fallocate's ZERO_RANGE. */
  zeroes?: boolean;
}

/** Runs a case and says what was answered differently, a line a step. */
export async function runLinuxCase(
  target: OperationTarget,
  { steps }: LinuxCase,
  afterEach?: () => void,
): Promise<string[]> {
  const wrong: string[] = [];
  for (const [operation, answer] of steps) {
    const result = await applyToTarget(target, operation);
    afterEach?.();
    if (!fits(result, answer)) {
      wrong.push(`${JSON.stringify(operation)}: ${JSON.stringify(answer)}, not ${JSON.stringify(result)}`);
    }
  }
  return wrong;
}

/** Of an object only what the answer names. */
function fits(result: OperationResult, answer: unknown): boolean {
  if ('error' in result) return result.error === answer;
  const { value } = result;
  if (answer === 'ok') return true;
  if (typeof answer !== 'object' || answer === null || Array.isArray(answer)) return isDeepStrictEqual(value, answer);
  const found = value as Record<string, unknown> | null;
  return Object.entries(answer).every(([key, wanted]) => isDeepStrictEqual(found?.[key], wanted));
}

const mkdir = (path: string, mode = 0o755): Operation => ({ op: 'mkdir', path, mode });
const create = (path: string, mode = 0o644): Operation => ({ op: 'create', path, mode });
const symlink = (target: string, path: string): Operation => ({ op: 'symlink', target, path });
const link = (from: string, to: string): Operation => ({ op: 'link', from, to });
const unlink = (path: string): Operation => ({ op: 'unlink', path });
const rmdir = (path: string): Operation => ({ op: 'rmdir', path });
const rename = (from: string, to: string, mode: RenameMode = 'plain'): Operation => ({ op: 'rename', from, to, mode });
const readlink = (path: string): Operation => ({ op: 'readlink', path });
const readdir = (path: string): Operation => ({ op: 'readdir', path });
const fifo = (path: string): Operation => ({ op: 'mknod', path, kind: 'fifo', mode: 0o644, major: 0, minor: 0 });
const write = (file: FileReference, position: number | 'end', length = 10): Operation => ({
  op: 'write',
  file,
  position,
  data: { seed: 6, length },
});
const read = (file: FileReference, position = 0, length = 100): Operation => ({ op: 'read', file, position, length });
const truncate = (file: FileReference, size: number): Operation => ({ op: 'truncate', file, size });
const close = (handle: number): Operation => ({ op: 'close', handle });
const open = (handle: number, path: string, flags: Partial<OpenFlags> = {}): Operation => ({
  op: 'open',
  handle,
  path,
  flags: { access: 'read', ...flags },
  mode: 0o644,
});
const setxattr = (path: string, name: string, mode: 'set' | 'create' | 'replace' = 'set', length = 10): Operation => ({
  op: 'setxattr',
  path,
  name,
  data: { seed: 6, length },
  mode,
});

const long = 'n'.repeat(255);
const ok = 'ok';

export const linuxCases: readonly LinuxCase[] = [
  {
    name: 'making something that is there, or where nothing can be',
    steps: [
      [mkdir('/d'), ok],
      [create('/f'), ok],
      [symlink('nowhere', '/dangling'), ok],
      [mkdir('/d'), 'EEXIST'],
      [mkdir('/d/'), 'EEXIST'],
      [mkdir('/'), 'EEXIST'],
      [mkdir('/d/..'), 'EEXIST'],
      [mkdir('/dangling'), 'EEXIST'],
      [mkdir('/dangling/'), 'EEXIST'],
      [mkdir('/new/'), ok],
      [mkdir('/f/x'), 'ENOTDIR'],
      [mkdir('/missing/x'), 'ENOENT'],
      [mkdir('/dangling/x'), 'ENOENT'],
      [create('/d'), 'EEXIST'],
      [create('/f/'), 'EISDIR'],
      [create('/g/'), 'EISDIR'],
      [create('/dangling'), 'EEXIST'],
      [symlink('x', '/f'), 'EEXIST'],
      [symlink('x', '/s/'), 'ENOENT'],
      [symlink('', '/s'), 'ENOENT'],
      [fifo('/p/'), 'ENOENT'],
      [fifo('/d/p'), ok],
      [link('/f', '/d'), 'EEXIST'],
      [link('/f', '/h/'), 'ENOENT'],
      [link('/f/', '/h'), 'ENOTDIR'],
      [link('/d', '/h'), 'EPERM'],
      [link('/d', '/f'), 'EEXIST'],
      [link('/missing', '/h'), 'ENOENT'],
      [link('/dangling', '/h'), ok],
      [readlink('/h'), 'nowhere'],
    ],
  },
  {
    name: 'names and paths that are too long',
    steps: [
      [create(`/${long}`), ok],
      [create(`/${long}n`), 'ENAMETOOLONG'],
      [create(`/${'ü'.repeat(128)}`), 'ENAMETOOLONG'],
      [mkdir(`/${long}n`), 'ENAMETOOLONG'],
      [unlink(`/${long}n`), 'ENAMETOOLONG'],
      [rename(`/${long}`, `/${long}n`), 'ENAMETOOLONG'],
      [rename(`/${long}n`, '/x'), 'ENAMETOOLONG'],
      [readdir(`/${long}n/x`), 'ENAMETOOLONG'],
      [readdir(`/${'d/'.repeat(2048)}`), 'ENAMETOOLONG'],
      [symlink('t'.repeat(4095), '/s'), ok],
      [readlink('/s'), 't'.repeat(4095)],
      [symlink('t'.repeat(4096), '/t'), 'ENAMETOOLONG'],
      [read('/s'), 'ENAMETOOLONG'],
    ],
  },
  {
    name: 'names are bytes',
    steps: [
      [mkdir('/\udcff\udc80'), ok],
      [create('/\udcff\udc80/\udce4'), ok],
      [create('/\udcff\udc80/ä'), ok],
      [symlink('\udcff\udc80/\udce4', '/s'), ok],
      [write('/s', 0), 10],
      [readlink('/s'), '\udcff\udc80/\udce4'],
      [readdir('/\udcff\udc80'), ['ä', '\udce4']],
      [readdir('/'), ['s', '\udcff\udc80']],
    ],
  },
  {
    name: 'symlinks: followed in the middle, at the end, forty times',
    steps: [
      [mkdir('/d'), ok],
      [create('/d/f'), ok],
      [symlink('d', '/to-d'), ok],
      [symlink('d/', '/to-d-slash'), ok],
      [symlink('d/f', '/to-f'), ok],
      [symlink('d/f/', '/to-f-slash'), ok],
      [symlink('loop', '/loop'), ok],
      [write('/to-d/f', 0), 10],
      [write('/to-d-slash/f', 0), 10],
      [write('/to-f', 0), 10],
      [write('/to-f-slash', 0), 'ENOTDIR'],
      [write('/to-f/', 0), 'ENOTDIR'],
      [readlink('/to-d'), 'd'],
      [readlink('/to-d/'), 'EINVAL'],
      [readlink('/to-f/'), 'ENOTDIR'],
      [readlink('/d/f'), 'EINVAL'],
      [readdir('/to-d'), ['f']],
      [rmdir('/to-d'), 'ENOTDIR'],
      [rmdir('/to-d/'), 'ENOTDIR'],
      [unlink('/to-d/'), 'ENOTDIR'],
      [read('/loop'), 'ELOOP'],
      [readdir('/loop/x'), 'ELOOP'],
      [create('/loop'), 'EEXIST'],
      [mkdir('/loop/x'), 'ELOOP'],
      [create('/0'), ok],
      ...Array.from({ length: 41 }, (_, i) => [symlink(String(i), `/${i + 1}`), ok] as const),
      [read('/40'), { bytes: 0, digest: 'e3b0c44298fc1c14' }],
      [read('/41'), 'ELOOP'],
    ],
  },
  {
    name: 'open',
    steps: [
      [mkdir('/d'), ok],
      [create('/f'), ok],
      [symlink('f', '/s'), ok],
      [symlink('new', '/to-new'), ok],
      [symlink('new2/', '/to-new-slash'), ok],
      [open(0, '/missing'), 'ENOENT'],
      [open(0, '/d'), ok],
      [open(0, '/d/'), ok],
      [open(0, '/f/'), 'ENOTDIR'],
      [open(0, '/d', { access: 'write' }), 'EISDIR'],
      [open(0, '/d', { truncate: true }), 'EISDIR'],
      [open(0, '/d', { create: true }), 'EISDIR'],
      [open(0, '/d/.', { create: true }), 'EISDIR'],
      [open(0, '/d/..', { create: true, exclusive: true }), 'EEXIST'],
      [open(0, '/', { create: true, exclusive: true }), 'EEXIST'],
      [open(0, '/f/', { create: true }), 'EISDIR'],
      [open(0, '/f', { directory: true }), 'ENOTDIR'],
      [open(0, '/f', { create: true, exclusive: true }), 'EEXIST'],
      [open(0, '/s', { create: true, exclusive: true }), 'EEXIST'],
      [open(0, '/s', { noFollow: true }), 'ELOOP'],
      [open(0, '/s', { noFollow: true, directory: true }), 'ENOTDIR'],
      [open(0, '/s', { noFollow: true, create: true }), 'ELOOP'],
      [open(0, '/to-new', { create: true, exclusive: true }), 'EEXIST'],
      [open(0, '/to-new', { create: true, access: 'write' }), ok],
      [open(0, '/to-new-slash', { create: true }), 'EISDIR'],
      [readdir('/'), ['d', 'f', 'new', 's', 'to-new', 'to-new-slash']],
    ],
  },
  {
    name: 'handles: rights, appending, and files without a name',
    steps: [
      [open(1, '/f', { access: 'write', create: true }), ok],
      [write(1, 0, 5000), 5000],
      [read(1), 'EBADF'],
      [open(2, '/f'), ok],
      [write(2, 0), 'EBADF'],
      [write(2, 0, 0), 'EBADF'],
      [truncate(2, 0), 'EINVAL'],
      [open(3, '/f', { access: 'readWrite', append: true }), ok],
      [write(3, 0, 7), 7],
      [
        { op: 'stat', file: 3, noFollow: false },
        { size: 5007, links: 1 },
      ],
      [unlink('/f'), ok],
      [read('/f'), 'ENOENT'],
      [write(3, 0, 7), 7],
      [
        { op: 'stat', file: 2, noFollow: false },
        { size: 5014, links: 0 },
      ],
      [truncate(1, 100), ok],
      [open(1, '/f', { access: 'readWrite', create: true }), ok],
      [
        { op: 'stat', file: 1, noFollow: false },
        { size: 0, links: 1 },
      ],
      [{ op: 'stat', file: 2, noFollow: false }, { size: 100 }],
      [close(2), ok],
      [close(2), 'EBADF'],
      [read(2), 'EBADF'],
      [mkdir('/d'), ok],
      [open(0, '/d'), ok],
      [read(0), 'EISDIR'],
      [write(0, 0), 'EBADF'],
      [truncate(0, 0), 'EINVAL'],
      [rmdir('/d'), ok],
      [
        { op: 'stat', file: 0, noFollow: false },
        { kind: 'directory', links: 0 },
      ],
    ],
  },
  {
    name: 'removing',
    steps: [
      [mkdir('/d'), ok],
      [mkdir('/d/e'), ok],
      [create('/f'), ok],
      [rmdir('/d'), 'ENOTEMPTY'],
      [rmdir('/d/.'), 'EINVAL'],
      [rmdir('/d/e/..'), 'ENOTEMPTY'],
      [rmdir('/f'), 'ENOTDIR'],
      [rmdir('/missing'), 'ENOENT'],
      [rmdir('/d/e/'), ok],
      [unlink('/d'), 'EISDIR'],
      [unlink('/d/'), 'EISDIR'],
      [unlink('/d/.'), 'EISDIR'],
      [unlink('/f/'), 'ENOTDIR'],
      [unlink('/f/x'), 'ENOTDIR'],
      [unlink('/missing/'), 'ENOENT'],
      [unlink('/f'), ok],
      [rmdir('/d'), ok],
      [readdir('/'), []],
    ],
  },
  {
    name: 'link counts: of directories the subdirectories, of files the names',
    steps: [
      [mkdir('/d'), ok],
      [mkdir('/d/a'), ok],
      [mkdir('/d/b'), ok],
      [create('/d/f'), ok],
      [{ op: 'stat', file: '/d', noFollow: false }, { links: 4 }],
      [rename('/d/a', '/a'), ok],
      [{ op: 'stat', file: '/d', noFollow: false }, { links: 3 }],
      [{ op: 'stat', file: '/', noFollow: false }, { links: 4 }],
      [rename('/a', '/d/b'), ok],
      [{ op: 'stat', file: '/d', noFollow: false }, { links: 3 }],
      [{ op: 'stat', file: '/', noFollow: false }, { links: 3 }],
      [rename('/d/b', '/f', 'exchange'), 'ENOENT'],
      [rename('/d/f', '/f'), ok],
      [rename('/d/b', '/f', 'exchange'), ok],
      [{ op: 'stat', file: '/d', noFollow: false }, { links: 2 }],
      [{ op: 'stat', file: '/', noFollow: false }, { links: 4 }],
      [link('/d/b', '/g'), ok],
      [link('/g', '/h'), ok],
      [
        { op: 'stat', file: '/h', noFollow: false },
        { links: 3, kind: 'file' },
      ],
      [rename('/g', '/h'), ok],
      [unlink('/g'), ok],
      [{ op: 'stat', file: '/h', noFollow: false }, { links: 2 }],
    ],
  },
  {
    name: 'rename refuses',
    steps: [
      [mkdir('/d'), ok],
      [mkdir('/d/e'), ok],
      [mkdir('/empty'), ok],
      [create('/f'), ok],
      [create('/d/f'), ok],
      [rename('/missing', '/x'), 'ENOENT'],
      [rename('/f', '/missing/x'), 'ENOENT'],
      [rename('/f', '/empty'), 'EISDIR'],
      [rename('/empty', '/f'), 'ENOTDIR'],
      [rename('/empty', '/d'), 'ENOTEMPTY'],
      [rename('/d', '/d/x'), 'EINVAL'],
      [rename('/d', '/d/e'), 'EINVAL'],
      [rename('/d', '/d/e/x'), 'EINVAL'],
      [rename('/d/e', '/d'), 'ENOTEMPTY'],
      [rename('/d/f', '/d'), 'ENOTEMPTY'],
      [rename('/d/.', '/x'), 'EBUSY'],
      [rename('/d/..', '/x'), 'EBUSY'],
      [rename('/f', '/d/.'), 'EBUSY'],
      [rename('/f', '/d/..', 'noReplace'), 'EEXIST'],
      [rename('/f/', '/x'), 'ENOTDIR'],
      [rename('/f', '/x/'), 'ENOTDIR'],
      [rename('/f', '/d/f', 'noReplace'), 'EEXIST'],
      [rename('/f', '/f', 'noReplace'), 'EEXIST'],
      [rename('/d', '/d/e', 'exchange'), 'EINVAL'],
      [rename('/d/e', '/d', 'exchange'), 'EINVAL'],
      [rename('/f', '/d/f/', 'exchange'), 'ENOTDIR'],
      [rename('/f', '/f'), ok],
      [rename('/d/', '/d2/'), ok],
      [rename('/d2', '/empty/'), ok],
      [readdir('/empty'), ['e', 'f']],
    ],
  },
  {
    name: 'rename replaces, exchanges, and leaves a whiteout',
    privileged: true,
    steps: [
      [mkdir('/d'), ok],
      [create('/f'), ok],
      [write('/f', 0, 5), 5],
      [create('/g'), ok],
      [rename('/f', '/g'), ok],
      [
        { op: 'stat', file: '/g', noFollow: false },
        { size: 5, links: 1 },
      ],
      [rename('/g', '/d', 'exchange'), ok],
      [
        { op: 'stat', file: '/d', noFollow: false },
        { kind: 'file', size: 5 },
      ],
      [rename('/d', '/g/moved', 'whiteout'), ok],
      [
        { op: 'stat', file: '/d', noFollow: false },
        { kind: 'char', mode: 0, device: { major: 0, minor: 0 }, links: 1 },
      ],
      [rename('/g', '/h', 'whiteout'), ok],
      [{ op: 'stat', file: '/g', noFollow: false }, { kind: 'char' }],
      [{ op: 'stat', file: '/', noFollow: false }, { links: 3 }],
      [readdir('/h'), ['moved']],
      [write('/d', 0), 'ENXIO'],
      [truncate('/d', 0), 'EINVAL'],
    ],
  },
  {
    name: 'write, truncate: growing is zeros, cutting and growing again is zeros',
    steps: [
      [create('/f'), ok],
      [write('/f', 5000, 10), 10],
      [{ op: 'stat', file: '/f', noFollow: false }, { size: 5010 }],
      [write('/f', 'end', 5), 5],
      [write('/f', 0, 0), 0],
      [truncate('/f', 5001), ok],
      [truncate('/f', 9000), ok],
      [read('/f', 5001, 100), { bytes: 100, digest: 'cd00e292c5970d3c' }],
      [read('/f', 8990, 100), { bytes: 10, digest: '01d448afd9280654' }],
      [read('/f', 9000, 1), { bytes: 0, digest: 'e3b0c44298fc1c14' }],
      [read('/f', 2 ** 40, 1), { bytes: 0, digest: 'e3b0c44298fc1c14' }],
      [truncate('/f', 2 ** 40), ok],
      [read('/f', 2 ** 40 - 10, 100), { bytes: 10, digest: '01d448afd9280654' }],
      [mkdir('/d'), ok],
      [truncate('/d', 0), 'EISDIR'],
      [write('/d', 0), 'EISDIR'],
      [read('/d'), 'EISDIR'],
    ],
  },
  {
    name: 'fallocate',
    steps: [
      [create('/f'), ok],
      [{ op: 'fallocate', file: '/f', mode: 'allocate', position: 100, length: 900 }, ok],
      [{ op: 'stat', file: '/f', noFollow: false }, { size: 1000 }],
      [{ op: 'fallocate', file: '/f', mode: 'keepSize', position: 0, length: 9000 }, ok],
      [{ op: 'stat', file: '/f', noFollow: false }, { size: 1000 }],
      [write('/f', 0, 9000), 9000],
      [{ op: 'fallocate', file: '/f', mode: 'punch', position: 10, length: 100_000 }, ok],
      [{ op: 'stat', file: '/f', noFollow: false }, { size: 9000 }],
      [read('/f', 10, 100), { bytes: 100, digest: 'cd00e292c5970d3c' }],
      [{ op: 'fallocate', file: '/f', mode: 'allocate', position: 0, length: 0 }, 'EINVAL'],
      [mkdir('/d'), ok],
      [{ op: 'fallocate', file: '/d', mode: 'allocate', position: 0, length: 1 }, 'EISDIR'],
      [open(0, '/f'), ok],
      [{ op: 'fallocate', file: 0, mode: 'allocate', position: 0, length: 1 }, 'EBADF'],
    ],
  },
  {
    name: 'fallocate to zeros',
    zeroes: true,
    steps: [
      [create('/f'), ok],
      [write('/f', 0, 5000), 5000],
      [{ op: 'fallocate', file: '/f', mode: 'zeroKeepSize', position: 4000, length: 5000 }, ok],
      [{ op: 'stat', file: '/f', noFollow: false }, { size: 5000 }],
      [{ op: 'fallocate', file: '/f', mode: 'zero', position: 4000, length: 5000 }, ok],
      [{ op: 'stat', file: '/f', noFollow: false }, { size: 9000 }],
      [read('/f', 4000, 100), { bytes: 100, digest: 'cd00e292c5970d3c' }],
    ],
  },
  {
    name: 'extended attributes',
    steps: [
      [create('/f'), ok],
      [mkdir('/d'), ok],
      [fifo('/p'), ok],
      [symlink('f', '/s'), ok],
      [setxattr('/f', 'user.a', 'replace'), 'ENODATA'],
      [setxattr('/f', 'user.a', 'create'), ok],
      [setxattr('/f', 'user.a', 'create'), 'EEXIST'],
      [setxattr('/f', 'user.a', 'replace', 0), ok],
      [
        { op: 'getxattr', path: '/s', name: 'user.a' },
        { bytes: 0, digest: 'e3b0c44298fc1c14' },
      ],
      [setxattr('/s', 'user.\udcff'), ok],
      [setxattr('/d', 'user.B'), ok],
      [{ op: 'listxattr', path: '/f' }, ['user.a', 'user.\udcff']],
      [{ op: 'removexattr', path: '/f', name: 'user.a' }, ok],
      [{ op: 'removexattr', path: '/f', name: 'user.a' }, 'ENODATA'],
      [{ op: 'getxattr', path: '/f', name: 'user.a' }, 'ENODATA'],
      [setxattr('/p', 'user.a'), 'EPERM'],
      [{ op: 'removexattr', path: '/p', name: 'user.a' }, 'EPERM'],
      [{ op: 'getxattr', path: '/p', name: 'user.a' }, 'ENODATA'],
      [setxattr('/f', 'nonsense'), 'EOPNOTSUPP'],
      [setxattr('/f', 'user.'), 'EINVAL'],
      [setxattr('/f', `user.${'x'.repeat(250)}`), ok],
      [setxattr('/f', `user.${'x'.repeat(251)}`), 'ERANGE'],
      [setxattr('/f', 'user.huge', 'set', 65537), 'E2BIG'],
      [setxattr('/missing', 'user.a'), 'ENOENT'],
    ],
  },
  {
    name: 'modes and owners',
    privileged: true,
    steps: [
      [create('/f', 0o6755), ok],
      [{ op: 'stat', file: '/f', noFollow: false }, { mode: 0o6755 }],
      [write('/f', 0), 10],
      [{ op: 'stat', file: '/f', noFollow: false }, { mode: 0o6755 }],
      [{ op: 'chown', path: '/f', uid: 7, gid: -1, noFollow: false }, ok],
      [
        { op: 'stat', file: '/f', noFollow: false },
        { mode: 0o755, uid: 7, gid: 0 },
      ],
      [{ op: 'chmod', path: '/f', mode: 0o6644 }, ok],
      [{ op: 'chown', path: '/f', uid: -1, gid: -1, noFollow: false }, ok],
      [{ op: 'stat', file: '/f', noFollow: false }, { mode: 0o2644 }],
      [mkdir('/d', 0o7777), ok],
      [{ op: 'stat', file: '/d', noFollow: false }, { mode: 0o1777 }],
      [{ op: 'chmod', path: '/d', mode: 0o2755 }, ok],
      [{ op: 'chown', path: '/d', uid: 0, gid: 99, noFollow: false }, ok],
      [
        { op: 'stat', file: '/d', noFollow: false },
        { mode: 0o2755, gid: 99 },
      ],
      [create('/d/f'), ok],
      [mkdir('/d/d'), ok],
      [symlink('f', '/d/s'), ok],
      [
        { op: 'stat', file: '/d/f', noFollow: false },
        { mode: 0o644, gid: 99 },
      ],
      [
        { op: 'stat', file: '/d/d', noFollow: false },
        { mode: 0o2755, gid: 99 },
      ],
      [
        { op: 'stat', file: '/d/s', noFollow: true },
        { mode: 0o777, gid: 99 },
      ],
      [{ op: 'chown', path: '/d/s', uid: 5, gid: 5, noFollow: true }, ok],
      [{ op: 'stat', file: '/d/s', noFollow: true }, { uid: 5 }],
      [{ op: 'stat', file: '/d/s', noFollow: false }, { uid: 0 }],
      [{ op: 'chmod', path: '/missing', mode: 0 }, 'ENOENT'],
      [{ op: 'mknod', path: '/dev', kind: 'block', mode: 0o600, major: 4095, minor: 1048575 }, ok],
      [
        { op: 'stat', file: '/dev', noFollow: false },
        { kind: 'block', device: { major: 4095, minor: 1048575 } },
      ],
    ],
  },
  {
    name: 'times to the nanosecond, before 1970 and after 2038',
    steps: [
      [create('/f'), ok],
      [
        {
          op: 'utimens',
          path: '/f',
          atime: null,
          mtime: { seconds: 2 ** 32 + 5, nanoseconds: 123_456_789 },
          noFollow: false,
        },
        ok,
      ],
      [{ op: 'stat', file: '/f', noFollow: false }, { mtime: { seconds: 2 ** 32 + 5, nanoseconds: 123_456_789 } }],
      [
        { op: 'utimens', path: '/f', atime: null, mtime: { seconds: -1, nanoseconds: 999_999_999 }, noFollow: false },
        ok,
      ],
      [{ op: 'stat', file: '/f', noFollow: false }, { mtime: { seconds: -1, nanoseconds: 999_999_999 } }],
      [
        { op: 'utimens', path: '/missing', atime: null, mtime: { seconds: 0, nanoseconds: 0 }, noFollow: false },
        'ENOENT',
      ],
      // Linux does not look at the path when there is nothing to change.
      [{ op: 'utimens', path: '/missing', atime: null, mtime: null, noFollow: false }, ok],
    ],
  },
];
