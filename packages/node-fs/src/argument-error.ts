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
    `The value of "${name}" is out of range. It must be ${range}. Received ${found}${typeof found === 'bigint' ? 'n' : ''}`,
  );
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
