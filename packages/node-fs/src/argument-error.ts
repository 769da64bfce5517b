// Errors about arguments, in Node's shape: a TypeError or RangeError with a `code`, thrown before anything is read.

class ArgumentTypeError extends TypeError {
  readonly code: string;
  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

class ArgumentRangeError extends RangeError {
  readonly code: string;
  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

class CodedError extends Error {
  readonly code: string;
  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

/** Thrown once the signal of a call has fired: `name` is `AbortError`, `cause` the signal's reason. */
export class AbortError extends Error {
  readonly code = 'ABORT_ERR';
  constructor(reason: unknown) {
    super('The operation was aborted', reason === undefined ? undefined : { cause: reason });
    this.name = 'AbortError';
  }
}

/** A value as a person reads it in a message, cut short. */
function shown(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (typeof value === 'function') return `function ${value.name}`;
  if (typeof value === 'object') return `an instance of ${value.constructor?.name ?? 'Object'}`;
  const text = typeof value === 'string' ? `'${value}'` : String(value) + (typeof value === 'bigint' ? 'n' : '');
  return `type ${typeof value} (${text.length > 28 ? `${text.slice(0, 25)}...` : text})`;
}

function subject(name: string): string {
  return `The "${name}" ${name.includes('.') ? 'property' : 'argument'}`;
}

/** `expected` reads on from "must be": "of type number". */
export function invalidType(name: string, expected: string, found: unknown): TypeError {
  return new ArgumentTypeError(
    'ERR_INVALID_ARG_TYPE',
    `${subject(name)} must be ${expected}. Received ${shown(found)}`,
  );
}

export function invalidValue(name: string, found: unknown, why = 'is invalid'): TypeError {
  const kind = name.includes('.') ? 'property' : 'argument';
  const text = typeof found === 'string' ? `'${found.replaceAll('\0', '\\x00')}'` : shown(found);
  return new ArgumentTypeError('ERR_INVALID_ARG_VALUE', `The ${kind} '${name}' ${why}. Received ${text}`);
}

/** `range` reads on from "It must be": "an integer". */
export function outOfRange(name: string, range: string, found: number | bigint): RangeError {
  return new ArgumentRangeError(
    'ERR_OUT_OF_RANGE',
    `The value of "${name}" is out of range. It must be ${range}. Received ${grouped(found)}${typeof found === 'bigint' ? 'n' : ''}`,
  );
}

/** From 2^32 on whole numbers are shown in groups of three digits. */
function grouped(number: number | bigint): string {
  const whole = typeof number === 'bigint' || Number.isInteger(number);
  if (!whole || (number <= 2 ** 32 && number >= -(2 ** 32))) return String(number);
  return String(number).replace(/\B(?=(\d{3})+$)/g, '_');
}

export function invalidUrl(
  code: 'ERR_INVALID_URL_SCHEME' | 'ERR_INVALID_FILE_URL_HOST' | 'ERR_INVALID_FILE_URL_PATH',
  message: string,
): TypeError {
  return new ArgumentTypeError(code, message);
}

export function fileTooLarge(sizeBytes: number): RangeError {
  return new ArgumentRangeError('ERR_FS_FILE_TOO_LARGE', `File size (${sizeBytes}) is greater than 2 GiB`);
}

export function directoryClosed(): Error {
  return new CodedError('ERR_DIR_CLOSED', 'Directory handle was closed');
}

/** What a {@link SystemError} says. */
export interface SystemErrorInfo {
  /** The code of errno. */
  code: string;
  message: string;
  syscall: string;
  errno: number;
  path?: string;
  dest?: string;
}

/** An error of `rm` and `cp`: `code` is Node's, what Linux would have said is in `info`. */
export class SystemError extends Error {
  readonly code: string;
  readonly info: SystemErrorInfo;
  readonly errno: number;
  readonly syscall: string;
  declare readonly path?: string;

  constructor(code: string, what: string, info: SystemErrorInfo) {
    const place = info.path === undefined ? '' : ` ${info.path}`;
    super(`${what}: ${info.syscall} returned ${info.code} (${info.message})${place}`);
    this.name = 'SystemError';
    this.code = code;
    this.info = info;
    this.errno = info.errno;
    this.syscall = info.syscall;
    if (info.path !== undefined) this.path = info.path;
  }
}

export function invalidSymlinkType(type: unknown): Error {
  return new CodedError(
    'ERR_FS_INVALID_SYMLINK_TYPE',
    `Symlink type must be one of "dir", "file", or "junction". Received "${String(type)}"`,
  );
}

export function incompatibleOptions(one: string, other: string): TypeError {
  return new ArgumentTypeError(
    'ERR_INCOMPATIBLE_OPTION_PAIR',
    `Option "${one}" cannot be used in combination with option "${other}"`,
  );
}

export function invalidReturn(expected: string, name: string, found: unknown): TypeError {
  return new ArgumentTypeError(
    'ERR_INVALID_RETURN_VALUE',
    `Expected ${expected} to be returned from the "${name}" function but got ${shown(found)}.`,
  );
}
