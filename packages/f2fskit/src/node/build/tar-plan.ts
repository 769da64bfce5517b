// The entries of an archive as a plan. Paths are those of the volume: they begin at its root, whatever stands before them, and
// none leads out of it. A later entry takes the place of an earlier one with the same path.
//
//   a/b        `a` is made if the archive has none: mode 0755, the owner and the time of the root
//   ../a       is noted, and left out; so is what lies below something that is no directory, a symlink among them
//   hard link  to what the archive had before; to anything else: noted, and left out
//
// Targets of symlinks are kept as they are: on the volume they lead nowhere but on the volume.

import type { ExtendedAttribute, Timestamp } from '@f2fskit/vfs';
import { aclFromText } from './acl-text.ts';
import { NO_XATTRS, type PlanNode, planNode, planNodes, sortChildren } from './plan.ts';
import type { BuildNotes } from './report.ts';
import type { TarEntry } from './tar-entries.ts';
import { latin1, type PaxRecords, tarError } from './tar-header.ts';

/** Longer than any path that Linux takes. */
const PATH_BYTES_MAX = 65_536;
/** Directories that no entry stands for: so many, and so many for each entry. More than that is no archive of files. */
const IMPLIED_MAX = 10_000;
const IMPLIED_PER_ENTRY = 16;
const ID_MAX = 0xffff_fffe;

const KINDS: Readonly<Record<string, PlanNode['kind']>> = {
  '\0': 'file',
  '0': 'file',
  '7': 'file',
  S: 'file',
  '2': 'symlink',
  '3': 'char',
  '4': 'block',
  '5': 'directory',
  D: 'directory',
  '6': 'fifo',
};
/** What says something about the archive and not about a file. */
const PASSED_OVER = 'VA';

export class TarPlan {
  readonly root: PlanNode;
  entries = 0;
  readonly #notes: BuildNotes;
  readonly #xattrs: boolean;
  /** Names in directories, every byte a character. */
  readonly #names = new Map<PlanNode, Map<string, PlanNode>>();
  #implied = 0;

  /** An empty plan; `now` is the time of directories that the archive does not have. */
  constructor(now: Timestamp, notes: BuildNotes, xattrs: boolean) {
    this.#notes = notes;
    this.#xattrs = xattrs;
    this.root = planNode('directory', new Uint8Array(0), undefined, {
      mode: 0o755,
      uid: 0,
      gid: 0,
      atime: now,
      mtime: now,
    });
  }

  /** Throws EINVAL for what cannot be passed over. */
  add(entry: TarEntry): void {
    this.entries++;
    if (PASSED_OVER.includes(entry.type)) return;
    if (entry.type === 'M') throw tarError(entry.at, 'the archive goes on from another volume');
    const path = entry.path.length > PATH_BYTES_MAX ? undefined : componentsOf(entry.path);
    if (path === undefined) {
      this.#notes.note(
        'path',
        entry.path.subarray(0, PATH_BYTES_MAX),
        'a path that leads out of the archive, or is too long',
      );
      return;
    }
    if (entry.uid < 0 || entry.uid > ID_MAX || entry.gid < 0 || entry.gid > ID_MAX) {
      throw tarError(entry.at, `an owner that nobody can have: ${entry.uid}:${entry.gid}`);
    }
    if (entry.type === '1') {
      this.#hardLink(path, entry);
      return;
    }
    let kind = KINDS[entry.type];
    // Before ustar a slash at the end was what told a directory.
    if (kind === 'file' && entry.path.at(-1) === 0x2f) kind = 'directory';
    if (kind === undefined) {
      this.#notes.note('kind', entry.path, `of a kind that no volume has (type ${JSON.stringify(entry.type)})`);
      return;
    }
    if (path.length === 0 && kind !== 'directory') {
      this.#notes.note('path', entry.path, 'the root is a directory');
      return;
    }
    const { mode, uid, gid, mtime, atime = mtime } = entry;
    const node = planNode(kind, path.at(-1) ?? this.root.name, undefined, { mode, uid, gid, atime, mtime });
    if (kind === 'file') {
      node.size = entry.size;
      node.stored = { offset: entry.offset, ...(entry.runs === undefined ? {} : { runs: entry.runs }) };
      node.dataBytes = entry.runs === undefined ? entry.size : entry.runs.reduce((sum, [, length]) => sum + length, 0);
    }
    if (kind === 'symlink') node.target = entry.target;
    if (kind === 'char' || kind === 'block') {
      node.major = entry.major;
      node.minor = entry.minor;
    }
    if (this.#xattrs) node.xattrs = this.#attributesOf(entry);
    this.#put(path, node, entry.path);
  }

  /** Puts names in order: nothing is added any more. */
  finish(): void {
    this.#names.clear();
    for (const node of planNodes(this.root)) sortChildren(node);
  }

  #put(path: readonly Uint8Array[], node: PlanNode, shown: Uint8Array): void {
    if (path.length === 0) {
      const { mode, uid, gid, atime, mtime, xattrs } = node;
      Object.assign(this.root, { mode, uid, gid, atime, mtime, xattrs });
      return;
    }
    const parent = this.#parentOf(path, shown);
    if (parent === undefined) return;
    const names = this.#namesIn(parent);
    const key = latin1(node.name);
    const before = names.get(key);
    if (before?.kind === 'directory' && node.kind === 'directory') {
      const { mode, uid, gid, atime, mtime, xattrs } = node;
      Object.assign(before, { mode, uid, gid, atime, mtime, xattrs });
      return;
    }
    if (before !== undefined && before.children !== undefined && before.children.length > 0) {
      this.#notes.note('path', shown, 'a directory with something in it has this path');
      return;
    }
    if (before !== undefined) {
      if (before.links !== undefined) before.links.names--;
      parent.children!.splice(parent.children!.indexOf(before), 1);
    }
    node.parent = parent;
    names.set(key, node);
    parent.children!.push(node);
  }

  #hardLink(path: readonly Uint8Array[], entry: TarEntry): void {
    const to = componentsOf(entry.target);
    const target = to === undefined || to.length === 0 ? undefined : this.#find(to);
    const shown = Buffer.from(entry.target).toString();
    if (path.length === 0 || target === undefined || target.kind === 'directory') {
      this.#notes.note('link', entry.path, `a hard link to '${shown}', which is no file that the archive had before`);
      return;
    }
    const name = path.at(-1)!;
    if (target === this.#find(path)) return; // to itself
    target.links ??= { names: 1 };
    target.links.names++;
    this.#put(path, { ...target, name }, entry.path);
  }

  /** Without making anything. No symlink is followed. */
  #find(path: readonly Uint8Array[]): PlanNode | undefined {
    let node: PlanNode | undefined = this.root;
    for (const name of path) {
      if (node === undefined) return undefined;
      node = this.#names.get(node)?.get(latin1(name));
    }
    return node;
  }

  #parentOf(path: readonly Uint8Array[], shown: Uint8Array): PlanNode | undefined {
    let node = this.root;
    for (const name of path.slice(0, -1)) {
      const names = this.#namesIn(node);
      const key = latin1(name);
      let next = names.get(key);
      if (next === undefined) {
        if (++this.#implied > IMPLIED_MAX + IMPLIED_PER_ENTRY * this.entries) {
          throw tarError(0, 'nearly nothing but directories that no entry stands for');
        }
        const { mode, uid, gid, atime, mtime } = { ...this.root, mode: 0o755 };
        next = planNode('directory', name, node, { mode, uid, gid, atime, mtime });
        names.set(key, next);
        node.children!.push(next);
      } else if (next.children === undefined) {
        this.#notes.note('path', shown, `what should be its directory is a ${next.kind}`);
        return undefined;
      }
      node = next;
    }
    return node;
  }

  #namesIn(node: PlanNode): Map<string, PlanNode> {
    let names = this.#names.get(node);
    if (names === undefined) {
      names = new Map();
      this.#names.set(node, names);
    }
    return names;
  }

  #attributesOf({ path, records }: TarEntry): readonly ExtendedAttribute[] {
    const found = new Map<string, Uint8Array>();
    const archived = (key: string): boolean => key.startsWith('LIBARCHIVE.xattr.');
    for (const [key, value] of records) {
      if (key.startsWith('SCHILY.xattr.')) found.set(key.slice(13), value);
      else if (key === 'RHT.security.selinux') found.set('security.selinux', Buffer.concat([value, NUL]));
      else if (archived(key)) {
        const name = unescaped(key.slice(17));
        if (!found.has(name) && !records.has(`SCHILY.xattr.${name}`))
          found.set(name, Buffer.from(latin1(value), 'base64'));
      }
    }
    this.#addList(records, 'SCHILY.acl.access', 'system.posix_acl_access', path, found);
    this.#addList(records, 'SCHILY.acl.default', 'system.posix_acl_default', path, found);
    if (found.size === 0) return NO_XATTRS;
    const names = [...found.keys()].sort(); // of single bytes: byte order
    return names.map((name) => ({ name: Buffer.from(name, 'latin1'), value: found.get(name)! }));
  }

  #addList(records: PaxRecords, key: string, name: string, path: Uint8Array, found: Map<string, Uint8Array>): void {
    const text = records.get(key);
    if (text === undefined || found.has(name)) return;
    const list = aclFromText(latin1(text));
    if (list !== undefined) found.set(name, list);
    else this.#notes.note('xattr', path, 'an access control list with names instead of numbers');
  }
}

const NUL = Buffer.of(0);

/** Names between the slashes; `undefined` for a path that goes up. */
function componentsOf(path: Uint8Array): Uint8Array[] | undefined {
  const names: Uint8Array[] = [];
  for (let at = 0; at < path.length; ) {
    const slash = path.indexOf(0x2f, at);
    const end = slash < 0 ? path.length : slash;
    const length = end - at;
    if (length === 2 && path[at] === 0x2e && path[at + 1] === 0x2e) return undefined;
    if (length > 1 || (length === 1 && path[at] !== 0x2e)) names.push(path.slice(at, end));
    at = end + 1;
  }
  return names;
}

/** `%41` as in a URL. */
function unescaped(text: string): string {
  return text.replace(/%([0-9a-f]{2})/gi, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)));
}
