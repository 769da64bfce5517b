// Extended attributes on the host, for which Node has no call: the package `fs-xattr` where it is installed, else one
// `setfattr --restore` for the whole run, fed through a pipe. Where neither is there, the attributes are counted as missing.

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import type { ExtendedAttribute } from '@f2fskit/vfs';

/** What sets attributes; `undefined` where nothing can. */
export interface HostXattrs {
  /** Returns false when it could not be set; a pipe learns that only at the end. */
  set(path: Buffer, xattrs: readonly ExtendedAttribute[]): Promise<boolean>;
  /** Waits until everything is set. Returns what could not be, a line each. */
  finish(): Promise<string[]>;
}

interface FsXattr {
  setAttribute(path: string, name: string, value: Buffer): Promise<void>;
}

export async function openHostXattrs(): Promise<HostXattrs | undefined> {
  const library = 'fs-xattr';
  try {
    return new LibraryXattrs((await import(library)) as FsXattr);
  } catch {
    const { error } = spawnSync('setfattr', ['--version'], { stdio: 'ignore' });
    return error === undefined ? new SetfattrPipe() : undefined;
  }
}

class LibraryXattrs implements HostXattrs {
  readonly #library: FsXattr;
  readonly #problems: string[] = [];

  constructor(library: FsXattr) {
    this.#library = library;
  }

  async set(path: Buffer, xattrs: readonly ExtendedAttribute[]): Promise<boolean> {
    const text = path.toString();
    if (!Buffer.from(text).equals(path)) return false; // the library takes text only
    try {
      for (const { name, value } of xattrs) {
        await this.#library.setAttribute(text, Buffer.from(name).toString(), Buffer.from(value));
      }
      return true;
    } catch (error) {
      this.#problems.push(`${text}: ${(error as Error).message}`);
      return true;
    }
  }

  async finish(): Promise<string[]> {
    return this.#problems;
  }
}

class SetfattrPipe implements HostXattrs {
  #child: ChildProcess | undefined = undefined;
  #messages = '';
  #over: Promise<void> = Promise.resolve();

  async set(path: Buffer, xattrs: readonly ExtendedAttribute[]): Promise<boolean> {
    const lines = [`# file: ${quoted(path)}`];
    for (const { name, value } of xattrs) lines.push(`${quoted(name)}=0s${Buffer.from(value).toString('base64')}`);
    const input = this.#start().stdin!;
    if (!input.write(`${lines.join('\n')}\n\n`)) await new Promise<void>((resolve) => input.once('drain', resolve));
    return true;
  }

  async finish(): Promise<string[]> {
    this.#child?.stdin?.end();
    await this.#over;
    return this.#messages.split('\n').filter((line) => line !== '');
  }

  #start(): ChildProcess {
    if (this.#child !== undefined) return this.#child;
    const child = spawn('setfattr', ['--no-dereference', '--restore=-'], { stdio: ['pipe', 'ignore', 'pipe'] });
    child.stderr!.on('data', (data: Buffer) => {
      if (this.#messages.length < 1 << 16) this.#messages += data.toString();
    });
    child.stdin!.on('error', () => {}); // it has ended; what it said is in the messages
    this.#over = new Promise((resolve) => {
      child.on('close', () => resolve());
      child.on('error', () => resolve());
    });
    this.#child = child;
    return child;
  }
}

/** As getfattr writes names: what is not plain, as three octal digits behind a backslash. */
function quoted(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) {
    const plain = byte > 0x20 && byte < 0x7f && byte !== 0x5c && byte !== 0x3d;
    text += plain ? String.fromCharCode(byte) : `\\${byte.toString(8).padStart(3, '0')}`;
  }
  return text;
}
