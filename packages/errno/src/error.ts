// Three families of failure, never mixed:
//   programmer error → assert, which throws AssertionError and is a bug of ours;
//   medium or request → FsError, in the shape node:fs users match on;
//   format → Corruption, an FsError that finds the byte.

import { EUCLEAN, errnoMessage, errnoName } from './errno.ts';

/** What an {@link FsError} may say beyond its number. */
export interface FsErrorDetails {
  /** The call that failed, as node:fs names it: `open`, `read`, `scandir`. Added once, at the API edge. */
  syscall?: string;
  path?: string;
  dest?: string;
  /** One more clause for the person who reads the message; never needed to tell errors apart. */
  detail?: string;
  cause?: unknown;
}

/** A failure with an error number: `code` (`'ENOENT'`), negative `errno`, `syscall`, `path` — Node's own shape. */
export class FsError extends Error {
  readonly code: string;
  /** Negative, as libuv reports it. */
  readonly errno: number;
  declare readonly syscall?: string;
  declare readonly path?: string;
  declare readonly dest?: string;
  declare readonly detail?: string;

  constructor(errno: number, details: FsErrorDetails | string = {}) {
    const { syscall, path, dest, detail, cause } = typeof details === 'string' ? { detail: details } : details;
    super(message(errno, syscall, path, dest, detail), cause === undefined ? undefined : { cause });
    this.name = 'FsError';
    this.code = errnoName(errno);
    this.errno = -errno;
    if (syscall !== undefined) this.syscall = syscall;
    if (path !== undefined) this.path = path;
    if (dest !== undefined) this.dest = dest;
    if (detail !== undefined) this.detail = detail;
  }
}

function message(errno: number, syscall?: string, path?: string, dest?: string, detail?: string): string {
  let text = `${errnoName(errno)}: ${errnoMessage(errno)}`;
  if (syscall !== undefined) text += `, ${syscall}`;
  if (path !== undefined) text += ` '${path}'`;
  if (dest !== undefined) text += ` -> '${dest}'`;
  if (detail !== undefined) text += ` (${detail})`;
  return text;
}

/** Where a broken structure lies. Every field is optional: give those that lead to the byte. */
export interface CorruptionPlace {
  /** Block address on the volume. */
  block?: number;
  /** Byte offset inside that block, or inside the stream that was decoded. */
  offset?: number;
  nid?: number;
  ino?: number;
  segno?: number;
  /** Index of a block in its file. */
  fileBlock?: number;
}

/** How {@link Corruption} is told what it found. */
export interface CorruptionDetails extends FsErrorDetails {
  where?: CorruptionPlace;
  expected?: string | number | bigint;
  found?: string | number | bigint;
}

/**
 * A structure on the medium contradicts its format. `kind` comes from the closed union of the package that read it
 * (`'checkpointChecksum'`, `'nodeFooterNid'`, …); the place and the two values find the byte.
 */
export class Corruption<Kind extends string = string> extends FsError {
  readonly kind: Kind;
  readonly where: CorruptionPlace;
  declare readonly expected?: string | number | bigint;
  declare readonly found?: string | number | bigint;

  constructor(kind: Kind, details: CorruptionDetails = {}) {
    const { where = {}, expected, found, detail, ...rest } = details;
    super(EUCLEAN, { ...rest, detail: describe(kind, where, expected, found, detail) });
    this.name = 'Corruption';
    this.kind = kind;
    this.where = where;
    if (expected !== undefined) this.expected = expected;
    if (found !== undefined) this.found = found;
  }
}

function describe(
  kind: string,
  where: CorruptionPlace,
  expected?: string | number | bigint,
  found?: string | number | bigint,
  detail?: string,
): string {
  const place = Object.entries(where).map(([name, value]) => `${name} ${value}`);
  let text = kind;
  if (place.length > 0) text += ` at ${place.join(', ')}`;
  if (expected !== undefined) text += `: expected ${show(expected)}`;
  if (found !== undefined) text += `${expected === undefined ? ':' : ','} found ${show(found)}`;
  if (detail !== undefined) text += `; ${detail}`;
  return text;
}

function show(value: string | number | bigint): string {
  if (typeof value === 'string') return value;
  return typeof value === 'number' && !Number.isInteger(value) ? String(value) : `${value} (0x${value.toString(16)})`;
}

/** A bug of ours, not of the medium or the caller's input. */
export class AssertionError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'AssertionError';
  }
}

/** One condition per assert; write an implication as `if (a) assert(b)`. */
export function assert(condition: unknown, message = 'assertion failed'): asserts condition {
  if (!condition) throw new AssertionError(message);
}

/** The positive error number of anything thrown: an FsError's own, `otherwise` for what is not one. */
export function errnoFrom(error: unknown, otherwise: number): number {
  return error instanceof FsError ? -error.errno : otherwise;
}
