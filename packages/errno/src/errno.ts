// Error numbers: the Linux values, with the message libuv prints for each. A device or a completion carries a plain
// number (0 = fine); an Error object is built only where a caller sees it (models: a throw costs microseconds).

const table = [
  ['EPERM', 1, 'operation not permitted'],
  ['ENOENT', 2, 'no such file or directory'],
  ['EINTR', 4, 'interrupted system call'],
  ['EIO', 5, 'i/o error'],
  ['ENXIO', 6, 'no such device or address'],
  ['E2BIG', 7, 'argument list too long'],
  ['EBADF', 9, 'bad file descriptor'],
  ['EAGAIN', 11, 'resource temporarily unavailable'],
  ['ENOMEM', 12, 'not enough memory'],
  ['EACCES', 13, 'permission denied'],
  ['EFAULT', 14, 'bad address in system call argument'],
  ['EBUSY', 16, 'resource busy or locked'],
  ['EEXIST', 17, 'file already exists'],
  ['EXDEV', 18, 'cross-device link not permitted'],
  ['ENODEV', 19, 'no such device'],
  ['ENOTDIR', 20, 'not a directory'],
  ['EISDIR', 21, 'illegal operation on a directory'],
  ['EINVAL', 22, 'invalid argument'],
  ['EMFILE', 24, 'too many open files'],
  ['EFBIG', 27, 'file too large'],
  ['ENOSPC', 28, 'no space left on device'],
  ['ESPIPE', 29, 'invalid seek'],
  ['EROFS', 30, 'read-only file system'],
  ['EMLINK', 31, 'too many links'],
  ['ERANGE', 34, 'result too large'],
  ['EDEADLK', 35, 'resource deadlock avoided'],
  ['ENAMETOOLONG', 36, 'name too long'],
  ['ENOSYS', 38, 'function not implemented'],
  ['ENOTEMPTY', 39, 'directory not empty'],
  ['ELOOP', 40, 'too many symbolic links encountered'],
  ['ENODATA', 61, 'no data available'],
  ['EBADMSG', 74, 'bad message'],
  ['EOVERFLOW', 75, 'value too large for defined data type'],
  ['EOPNOTSUPP', 95, 'operation not supported'],
  ['EUCLEAN', 117, 'structure needs cleaning'],
  ['ECANCELED', 125, 'operation canceled'],
  ['ENOKEY', 126, 'required key not available'],
  ['EKEYREJECTED', 129, 'key was rejected by service'],
] as const;

export const EPERM = 1;
export const ENOENT = 2;
export const EINTR = 4;
export const EIO = 5;
export const ENXIO = 6;
export const E2BIG = 7;
export const EBADF = 9;
export const EAGAIN = 11;
export const ENOMEM = 12;
export const EACCES = 13;
export const EFAULT = 14;
export const EBUSY = 16;
export const EEXIST = 17;
export const EXDEV = 18;
export const ENODEV = 19;
export const ENOTDIR = 20;
export const EISDIR = 21;
export const EINVAL = 22;
export const EMFILE = 24;
export const EFBIG = 27;
export const ENOSPC = 28;
export const ESPIPE = 29;
export const EROFS = 30;
export const EMLINK = 31;
export const ERANGE = 34;
export const EDEADLK = 35;
export const ENAMETOOLONG = 36;
export const ENOSYS = 38;
export const ENOTEMPTY = 39;
export const ELOOP = 40;
export const ENODATA = 61;
export const EBADMSG = 74;
export const EOVERFLOW = 75;
export const EOPNOTSUPP = 95;
export const EUCLEAN = 117;
export const ECANCELED = 125;
export const ENOKEY = 126;
export const EKEYREJECTED = 129;

const byNumber = new Map<number, readonly [string, number, string]>(table.map((row) => [row[1], row]));
const byName = new Map<string, number>(table.map((row) => [row[0], row[1]]));

/** `2` → `'ENOENT'`; a number that has no row is shown as `'E<number>'`. */
export function errnoName(errno: number): string {
  return byNumber.get(errno)?.[0] ?? `E${errno}`;
}

/** `2` → `'no such file or directory'`. */
export function errnoMessage(errno: number): string {
  return byNumber.get(errno)?.[2] ?? 'unknown error';
}

/** `'ENOENT'` → `2`; `undefined` for a name that has no row. */
export function errnoOf(name: string): number | undefined {
  return byName.get(name);
}

/** Every row, for tables in documents and tests. */
export const errnoTable: ReadonlyArray<readonly [name: string, errno: number, message: string]> = table;
