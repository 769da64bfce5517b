// What a command refuses by itself, in the shape of the errors of a volume: a code, the paths, and the reason in words.

import { FsError } from '@f2fskit/errno';

/** Error numbers of Linux. */
const numbers = { ENOENT: 2, EEXIST: 17, ENOTDIR: 20, EISDIR: 21, EINVAL: 22, EPERM: 1 } as const;

export interface RefusalDetails {
  syscall: string;
  path: string | Uint8Array;
  dest?: string | Uint8Array;
  /** Why, as a clause. */
  detail?: string;
}

export function refusal(code: keyof typeof numbers, { syscall, path, dest, detail }: RefusalDetails): FsError {
  return new FsError(numbers[code], {
    syscall,
    path: shown(path),
    ...(dest === undefined ? {} : { dest: shown(dest) }),
    ...(detail === undefined ? {} : { detail }),
  });
}

/** A path as messages show it. */
export function shown(path: string | Uint8Array): string {
  return typeof path === 'string' ? path : Buffer.from(path).toString();
}

export function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && (error as NodeJS.ErrnoException).code === code;
}
