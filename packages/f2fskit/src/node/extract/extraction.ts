// Everything out of a volume into a directory of the host, one step or one piece of a file at a time.

import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { dirname, resolve } from 'node:path';
import { FsError } from '@f2fskit/errno';
import type { Task } from '@f2fskit/task';
import type { Attributes, ExtendedAttribute, Inode, PathLike, Vfs } from '@f2fskit/vfs';
import { ExtractWalk } from '../../extract/extract-walk.ts';
import { FilePieces, PIECE_BYTES } from '../../extract/file-pieces.ts';
import { ExtractReport } from '../../extract/report.ts';
import { codeOf, ExistsError, HostDirectory, type HostOptions } from './host-directory.ts';

export interface ExtractionOptions extends HostOptions {
  paths?: readonly PathLike[] | undefined;
  /** Makes device nodes and fifos. */
  devices: boolean;
  /** Sets extended attributes, or reports that they are missing. */
  xattrs: boolean;
}

/** A file on its way. */
interface OpenFile {
  fd: number;
  unfinished: Buffer;
  path: Uint8Array;
  final: Buffer;
  inode: Inode;
  attributes: Attributes;
  pieces: FilePieces;
  written: number;
  /** The file ends in a hole: its size has to be set. */
  end: number;
}

/** Extended attributes that the driver sets before it goes on: setting them may wait for a pipe. */
export interface PendingXattrs {
  host: Buffer;
  path: Uint8Array;
  xattrs: readonly ExtendedAttribute[];
}

export class Extraction {
  readonly report = new ExtractReport();
  /** Of the file that was finished last. */
  pendingXattrs: PendingXattrs | undefined = undefined;
  /** What is being worked on. */
  path: Uint8Array = new Uint8Array(0);
  readonly #walk: ExtractWalk;
  readonly #host: HostDirectory;
  readonly #options: ExtractionOptions;
  readonly #buffer = new Uint8Array(PIECE_BYTES);
  /** The first name of each file that has several. */
  readonly #links = new Map<number, Buffer>();
  /** The directory could not be made: nothing in it is. */
  #refused: Uint8Array | undefined = undefined;
  #rootExisted = false;
  #file: OpenFile | undefined = undefined;

  constructor(vfs: Vfs, directory: string, options: ExtractionOptions) {
    this.#options = options;
    this.#walk = new ExtractWalk(vfs, options.paths ?? []);
    this.#rootExisted = fs.existsSync(directory);
    makeDirectories(resolve(directory));
    this.#host = new HostDirectory(directory, options);
  }

  /** Does a little more; false when everything is done. Throws for a path that does not exist on the volume. */
  *next(): Task<boolean> {
    if (this.#file !== undefined) {
      yield* this.#piece(this.#file);
      return true;
    }
    const step = yield* this.#walk.next();
    if (step === undefined) return false;
    this.path = step.path;
    if (step.type === 'unreadable') {
      this.report.note('unreadable', step.path, step.error.message);
      return true;
    }
    if (this.#refused !== undefined && startsWith(step.path, this.#refused)) return true;
    this.#refused = undefined;
    try {
      if (step.type === 'enter') this.#enter(step.path, step.inode);
      else if (step.type === 'leave') yield* this.#leave(step.path, step.inode);
      else yield* this.#entry(step.path, step.inode);
    } catch (error) {
      this.#problem(step.path, error);
      if (step.type === 'enter') this.#refused = step.path.slice();
    }
    return true;
  }

  /** Removes what is unfinished: for who stops in the middle. */
  abort(): void {
    if (this.#file !== undefined) this.#host.discard(this.#file.fd, this.#file.unfinished);
    this.#file = undefined;
  }

  #enter(path: Uint8Array, _inode: Inode): void {
    this.#checkName(path);
    this.#host.makeDirectory(this.#host.pathOf(path));
    if (path.length > 0) this.report.directories++;
  }

  *#leave(path: Uint8Array, inode: Inode): Task<void> {
    // Whose directory it was before we came keeps its mode and owner.
    if (path.length === 0 && (this.#rootExisted || this.#options.paths !== undefined)) return;
    const host = this.#host.pathOf(path);
    yield* this.#queueXattrs(host, path, inode);
    const lost = this.#host.finishDirectory(host, inode.attributes());
    this.#noteAttributes(path, lost);
  }

  *#entry(path: Uint8Array, inode: Inode): Task<void> {
    this.#checkName(path);
    const attributes = inode.attributes();
    const host = this.#host.pathOf(path);
    if (this.#host.isFinished(host, attributes)) {
      this.report.kept++;
      if (attributes.links > 1) this.#links.set(inode.ino, host);
      return;
    }
    const first = this.#links.get(inode.ino);
    if (first !== undefined) {
      this.#host.hardLink(first, host);
      this.report.hardLinks++;
      return;
    }
    switch (inode.kind) {
      case 'file':
        yield* this.#openFile(path, host, inode, attributes);
        return;
      case 'symlink':
        this.#host.symlink(yield* inode.readLink(), host, attributes);
        this.report.symlinks++;
        this.#noteAttributes(path, 0);
        yield* this.#queueXattrs(host, path, inode);
        break;
      default:
        if (!this.#special(path, host, attributes)) return;
    }
    if (attributes.links > 1) this.#links.set(inode.ino, host);
  }

  *#openFile(path: Uint8Array, final: Buffer, inode: Inode, attributes: Attributes): Task<void> {
    const pieces = new FilePieces(inode, attributes, this.#buffer);
    // The first piece before anything is made: most of what cannot be read shows here.
    const piece = yield* pieces.next();
    const { fd, unfinished } = this.#host.createFile(final);
    const file: OpenFile = { fd, unfinished, path: path.slice(), final, inode, attributes, pieces, written: 0, end: 0 };
    this.#file = file;
    yield* this.#take(file, piece);
  }

  *#piece(file: OpenFile): Task<void> {
    try {
      yield* this.#take(file, yield* file.pieces.next());
    } catch (error) {
      this.abort();
      this.#problem(file.path, error);
    }
  }

  /** Writes a piece; after the last one the file is finished. */
  *#take(file: OpenFile, piece: { position: number; bytes: Uint8Array } | undefined): Task<void> {
    try {
      if (piece !== undefined) {
        writeAll(file.fd, piece.bytes, piece.position);
        file.written += piece.bytes.length;
        file.end = piece.position + piece.bytes.length;
        this.report.bytes += piece.bytes.length;
        if (file.end < file.attributes.size) return;
      }
      const { attributes, inode, path, final } = file;
      if (file.end < attributes.size) fs.ftruncateSync(file.fd, attributes.size);
      yield* this.#queueXattrs(final, path, inode);
      const lost = this.#host.finishFile(file.fd, file.unfinished, final, attributes);
      this.#file = undefined;
      this.#noteAttributes(path, lost);
      this.report.files++;
      this.report.holeBytes += attributes.size - file.written;
      if (attributes.links > 1) this.#links.set(inode.ino, final);
    } catch (error) {
      this.pendingXattrs = undefined;
      this.abort();
      throw error;
    }
  }

  /** Device nodes and fifos, made by mknod(1): Node has no call. */
  #special(path: Uint8Array, host: Buffer, attributes: Attributes): boolean {
    const { kind, deviceMajor, deviceMinor } = attributes;
    const letter = { char: 'c', block: 'b', fifo: 'p' }[kind as string];
    if (!this.#options.devices || letter === undefined) {
      this.report.note('special', path, `a ${kind} is left out${letter === undefined ? '' : ' (--devices makes it)'}`);
      return false;
    }
    const text = host.toString();
    const numbers = letter === 'p' ? [] : [String(deviceMajor), String(deviceMinor)];
    const made = Buffer.from(text).equals(host)
      ? spawnSync('mknod', ['-m', '600', '--', text, letter, ...numbers], { encoding: 'utf8' })
      : { status: 1, stderr: 'mknod takes names in UTF-8 only', error: undefined };
    if (made.status !== 0) {
      this.report.note('special', path, (made.stderr || made.error?.message || 'mknod failed').trim());
      return false;
    }
    this.#noteAttributes(path, this.#host.finishDirectory(host, attributes));
    this.report.specials++;
    return true;
  }

  *#queueXattrs(host: Buffer, path: Uint8Array, inode: Inode): Task<void> {
    if (!this.#options.xattrs) return;
    const xattrs = yield* inode.extendedAttributes();
    if (xattrs.length > 0) this.pendingXattrs = { host, path: path.slice(), xattrs };
  }

  #noteAttributes(path: Uint8Array, modeBitsLost: number): void {
    if (!this.#options.owners) this.report.note('owner', path, 'the owner is whoever extracted it');
    if (modeBitsLost !== 0) this.report.note('mode', path, 'set-user-id and set-group-id are left out with the owner');
  }

  #checkName(path: Uint8Array): void {
    if (process.platform !== 'win32') return;
    const name = Buffer.from(path.subarray(path.lastIndexOf(0x2f) + 1)).toString();
    const problem = windowsNameProblem(name);
    if (problem !== undefined) throw new NameError(problem);
  }

  #problem(path: Uint8Array, error: unknown): void {
    if (error instanceof FsError) this.report.note('unreadable', path, error.message);
    else if (error instanceof ExistsError) this.report.note('exists', path, error.message);
    else if (error instanceof NameError) this.report.note('name', path, error.message);
    else if (codeOf(error) === 'EEXIST') this.report.note('exists', path, 'something is there already');
    else if (codeOf(error) !== undefined) this.report.note('host', path, (error as Error).message);
    else throw error;
  }
}

/**
 * A directory and those that lead to it. Not `mkdirSync(…, { recursive: true })`: where the host says ENOENT for the last
 * one, as in /proc, that tries for ever.
 */
function makeDirectories(directory: string): void {
  if (fs.existsSync(directory)) return;
  makeDirectories(dirname(directory));
  fs.mkdirSync(directory);
}

class NameError extends Error {}

/** Why Windows cannot have this name; `undefined` where it can. */
export function windowsNameProblem(name: string): string | undefined {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what Windows refuses
  if (/[<>:"|?*\\\u0000-\u001f]/.test(name)) return 'Windows has no names with < > : " | ? * \\ or control characters';
  if (/[. ]$/.test(name)) return 'Windows drops a dot or a blank at the end of a name';
  if (/^(con|prn|aux|nul|com\d|lpt\d|conin\$|conout\$)(\.|$)/i.test(name)) return 'the name of a device on Windows';
  return undefined;
}

function startsWith(path: Uint8Array, start: Uint8Array): boolean {
  return path.length >= start.length && start.every((byte, index) => path[index] === byte);
}

function writeAll(fd: number, bytes: Uint8Array, position: number): void {
  for (let done = 0; done < bytes.length; ) {
    done += fs.writeSync(fd, bytes, done, bytes.length - done, position + done);
  }
}
