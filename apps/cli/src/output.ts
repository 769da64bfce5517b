// What the command prints. Data goes to standard output, everything said about it to standard error. Names on a volume are
// anybody's bytes: to a terminal they go with control characters escaped, to a pipe or file exactly as stored.

import { once } from 'node:events';
import { utf8Decode } from '@f2fskit/vfs/utf8';

/** Terminal codes that turn a style on and off. */
const styles = { bold: [1, 22], red: [31, 39], blue: [34, 39] } as const;

/** The streams of one run, so that tests can hold them. */
export interface Streams {
  stdout: NodeJS.WritableStream & { isTTY?: boolean };
  stderr: NodeJS.WritableStream & { isTTY?: boolean };
  stdin: NodeJS.ReadableStream;
  /** Calls `handler` on SIGINT and SIGTERM instead of ending the process; the returned function stops that. */
  onSignal?: (handler: (signal: NodeJS.Signals) => void) => () => void;
  /** Set by the run: what it would end with now, for when its reader goes away. */
  exitCode?: () => number;
}

export class Output {
  readonly #streams: Streams;
  readonly #color: boolean;
  /** True once something could not be read: the exit code is {@link failureCode} then. */
  failed = false;
  /** Exit code of a run in which something failed. */
  failureCode = 1;

  constructor(streams: Streams, environment: NodeJS.ProcessEnv = {}) {
    this.#streams = streams;
    const forced = environment['FORCE_COLOR'];
    const wanted = forced !== undefined && forced !== '0';
    this.#color = wanted || (streams.stdout.isTTY === true && !environment['NO_COLOR'] && !environment['CI']);
  }

  /** What the run ends with, as far as it is known. */
  get exitCode(): number {
    return this.failed ? this.failureCode : 0;
  }

  get isTerminal(): boolean {
    return this.#streams.stdout.isTTY === true;
  }

  /** Writes bytes or text as they are; waits while the reader is slow. */
  async write(data: Uint8Array | string): Promise<void> {
    if (!this.#streams.stdout.write(data)) await once(this.#streams.stdout, 'drain');
  }

  line(text = ''): Promise<void> {
    return this.write(`${text}\n`);
  }

  /** One JSON document, or one record of a stream, on a line of its own. */
  json(value: unknown): Promise<void> {
    return this.line(JSON.stringify(value, jsonValue));
  }

  /** Says something about the run on standard error. */
  note(text: string): void {
    this.#streams.stderr.write(`f2fs: ${visible(text)}\n`);
  }

  /** Says what went wrong; the run goes on and ends with exit code 1. */
  fail(text: string): void {
    this.failed = true;
    this.note(text);
  }

  /** Says that a file or directory could not be read; the run goes on. */
  unreadable(path: Uint8Array, error: Error): void {
    this.fail(`${visible(utf8Decode(path))}: ${error.message}`);
  }

  /** A name or path as this output wants it. */
  name(bytes: Uint8Array): string | Uint8Array {
    return this.isTerminal ? visible(utf8Decode(bytes)) : bytes;
  }

  heading(text: string): string {
    return this.paint('bold', text);
  }

  paint(style: keyof typeof styles, text: string): string {
    const [on, off] = styles[style];
    return this.#color ? `\u001b[${on}m${text}\u001b[${off}m` : text;
  }
}

/** Text with control characters as `\x1b`: a volume must not drive the terminal. */
export function visible(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not reach a terminal
  return text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, (character) => {
    return `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`;
  });
}

/** Numbers beyond 2^53 as decimal text, bytes as hex. */
function jsonValue(_key: string, value: unknown): unknown {
  if (typeof value === 'bigint') return value.toString();
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex');
  return value;
}

/** A name for JSON: text where it is UTF-8, else also its bytes. */
export function jsonName(name: Uint8Array): { name: string } | { name: string; nameHex: string } {
  const text = utf8Decode(name);
  return Buffer.from(text).equals(name) ? { name: text } : { name: text, nameHex: Buffer.from(name).toString('hex') };
}

/** As {@link jsonName}, for paths. */
export function jsonPath(path: Uint8Array): { path: string } | { path: string; pathHex: string } {
  const text = utf8Decode(path);
  return Buffer.from(text).equals(path) ? { path: text } : { path: text, pathHex: Buffer.from(path).toString('hex') };
}
