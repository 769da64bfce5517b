// Extended attributes of a tree of the host, for which Node has no call: the package `fs-xattr` where it is installed, else
// one `getfattr --dump` for the whole tree. Access control lists are among them, as system.posix_acl_access and …_default.

import { spawn } from 'node:child_process';
import type { ExtendedAttribute } from '@f2fskit/vfs';
import { type PlanNode, pathOf, planNodes } from './plan.ts';
import type { BuildNotes } from './report.ts';

/** What Node's optional peer can do; its functions follow no symlinks only for listing on some systems. */
interface FsXattr {
  listAttributes(path: string): Promise<string[]>;
  getAttribute(path: string, name: string): Promise<Buffer>;
}

const NOBODY_READS = 'this host reads extended attributes only with fs-xattr or getfattr: none were looked for';

/** The attributes of a tree, asked for while it is still being listed. */
export interface HostAttributes {
  /** Adds them to the complete plan. What cannot be read is noted. Rejects with the reason of the signal. */
  addTo(root: PlanNode): Promise<void>;
  /** They are not wanted any more. */
  cancel(): void;
}

/** Begins to read the attributes of a directory and all that is in it. */
export async function hostAttributes(
  directory: string,
  notes: BuildNotes,
  signal: AbortSignal | undefined,
): Promise<HostAttributes> {
  const name = 'fs-xattr';
  let library: FsXattr | undefined;
  try {
    library = (await import(name)) as FsXattr;
  } catch {
    // An optional peer.
  }
  if (library === undefined) return startGetfattr(directory, notes, signal);
  const found = library;
  return { addTo: (root) => readWithLibrary(found, root, directory, notes, signal), cancel: () => {} };
}

async function readWithLibrary(
  library: FsXattr,
  root: PlanNode,
  directory: string,
  notes: BuildNotes,
  signal: AbortSignal | undefined,
): Promise<void> {
  for (const node of planNodes(root)) {
    signal?.throwIfAborted();
    if (node.kind === 'symlink') continue; // the library would follow it
    const path = pathOf(node);
    const text = Buffer.from(path).toString();
    if (!Buffer.from(text).equals(path)) continue; // the library takes text only
    const host = path.length === 0 ? directory : `${directory}/${text}`;
    try {
      const names = (await library.listAttributes(host)).sort();
      if (names.length === 0) continue;
      const xattrs: ExtendedAttribute[] = [];
      for (const one of names) xattrs.push({ name: Buffer.from(one), value: await library.getAttribute(host, one) });
      node.xattrs = xattrs;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOTSUP') return;
      notes.note('xattr', path, (error as Error).message);
    }
  }
}

/** Messages of getfattr that are kept. */
const MESSAGES_MAX = 1000;

/** It runs while the tree is listed, and waits where it has more to say than a pipe holds. */
function startGetfattr(directory: string, notes: BuildNotes, signal: AbortSignal | undefined): HostAttributes {
  const parts = [
    '--recursive',
    '--physical',
    '--no-dereference',
    '--dump',
    '--match=-',
    '--encoding=base64',
    '--',
    '.',
  ];
  const child = spawn('getfattr', parts, { cwd: directory, stdio: ['ignore', 'pipe', 'pipe'] });
  let missing = false;
  const ended = new Promise<void>((resolve) => {
    child.on('error', () => {
      missing = true;
      resolve();
    });
    child.on('close', () => resolve());
  });
  const cancel = (): void => {
    signal?.removeEventListener('abort', cancel);
    child.kill();
    // Streams that nobody reads would keep the process alive.
    child.stdout.destroy();
    child.stderr.destroy();
  };
  signal?.addEventListener('abort', cancel, { once: true });
  return {
    cancel,
    addTo: async (root) => {
      const dump = new AttributeDump(root);
      const messages: string[] = [];
      eachLine(child.stdout, (line) => dump.take(line));
      eachLine(child.stderr, (line) => {
        if (line !== '' && messages.length < MESSAGES_MAX) messages.push(Buffer.from(line, 'latin1').toString());
      });
      await ended;
      signal?.removeEventListener('abort', cancel);
      signal?.throwIfAborted();
      dump.finish();
      if (missing) notes.note('xattr', new Uint8Array(0), NOBODY_READS);
      for (const message of messages) notes.note('xattr', new Uint8Array(0), message);
    },
  };
}

/** Lines as latin1: every byte a character. */
function eachLine(stream: NodeJS.ReadableStream, take: (line: string) => void): void {
  let rest = '';
  stream.on('data', (data: Buffer) => {
    const lines = (rest + data.toString('latin1')).split('\n');
    rest = lines.pop()!;
    for (const line of lines) take(line);
  });
  stream.on('end', () => {
    if (rest !== '') take(rest);
  });
}

/** Reads what `getfattr --dump` prints: `# file: path`, then `name=0sBASE64`; bytes that are not plain as `\012`. */
export class AttributeDump {
  readonly #root: PlanNode;
  #node: PlanNode | undefined = undefined;
  #xattrs: ExtendedAttribute[] = [];

  constructor(root: PlanNode) {
    this.#root = root;
  }

  take(line: string): void {
    if (line.startsWith('# file: ')) {
      this.finish();
      this.#node = findNode(this.#root, unquoted(line.slice(8)));
      return;
    }
    if (line === '' || line.startsWith('#')) return;
    const sign = line.indexOf('=');
    const name = unquoted(sign < 0 ? line : line.slice(0, sign));
    const text = sign < 0 ? '' : line.slice(sign + 1);
    const value = text.startsWith('0s') ? Buffer.from(text.slice(2), 'base64') : new Uint8Array(0);
    this.#xattrs.push({ name, value });
  }

  /** The attributes of a file in byte order of their names: the host lists them in any order. */
  finish(): void {
    if (this.#node !== undefined && this.#xattrs.length > 0) {
      this.#node.xattrs = this.#xattrs.sort((a, b) => Buffer.compare(a.name, b.name));
    }
    this.#xattrs = [];
    this.#node = undefined;
  }
}

function unquoted(text: string): Buffer {
  const plain = text.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
  return Buffer.from(plain, 'latin1');
}

/** A path relative to the root, with `./` before it or without. */
function findNode(root: PlanNode, path: Buffer): PlanNode | undefined {
  let node: PlanNode | undefined = root;
  for (let at = 0; at <= path.length && node !== undefined; ) {
    const slash = path.indexOf(0x2f, at);
    const end = slash < 0 ? path.length : slash;
    const name = path.subarray(at, end);
    if (name.length > 0 && !(name.length === 1 && name[0] === 0x2e)) node = childOf(node, name);
    at = end + 1;
  }
  return node;
}

/** Children are in byte order. */
export function childOf({ children = [] }: Pick<PlanNode, 'children'>, name: Uint8Array): PlanNode | undefined {
  let low = 0;
  let high = children.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const order = Buffer.compare(children[middle]!.name, name);
    if (order === 0) return children[middle];
    if (order < 0) low = middle + 1;
    else high = middle;
  }
  return undefined;
}
