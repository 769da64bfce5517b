// Copying onto the volume. Nothing half done ever has a final name:
//
//   1. the file is made beside its place under a name of our own; what an earlier run left there is removed
//   2. its contents are written, then owner, mode, times and attributes
//   3. its contents go to the device; only then
//   4. it is renamed to its place, over what was there
//
// Because of 3 no checkpoint has the new name without the contents: whenever the run is cut off, the place holds the old file
// or the new one. A file that is replaced keeps mode, owner and extended attributes, unless those of the original are asked
// for; its other names keep the old contents.
//
// No symlink below the start is followed, neither where things come from nor where they go: a directory is entered when this
// run has made it, or found it to be one.

import { type AttributeChanges, bytesEqual, type ExtendedAttribute, type Inode, utf8Encode } from '@f2fskit/vfs';
import type { Volume, withPath } from 'f2fskit';
import type { Edit } from '../edit.ts';
import { hasCode, refusal } from '../refusal.ts';
import { find, isBelow, joinPath, splitPath } from '../volume-path.ts';
import type { Contents, CopyStep, Original } from './original.ts';

/** What is not finished is called so, with the extensions of its name behind: F2FS keeps media apart by them. */
const UNFINISHED = '.f2fskit-unfinished';
const NAME_BYTES_MAX = 255;
const DOT = 0x2e;

export interface CopyOptions {
  /** The call that errors name. */
  syscall: string;
  /** Mode and times of the originals. */
  preserve: boolean;
  /** Of the originals: their owners too, and set-ID bits with them. */
  preserveOwner: boolean;
  /** The owner of everything. */
  owner?: { uid: number; gid: number } | undefined;
}

export class TreeCopy {
  readonly #edit: Edit;
  readonly #volume: Volume;
  readonly #options: CopyOptions;

  constructor(edit: Edit, options: CopyOptions) {
    this.#edit = edit;
    this.#volume = edit.volume;
    this.#options = options;
  }

  /** Makes everything that the steps say, the start as the absolute path `base`. */
  async copy(steps: AsyncIterable<CopyStep>, base: Uint8Array): Promise<void> {
    /** A directory that could not be made: nothing in it is. */
    let refused: Uint8Array | undefined;
    for await (const step of steps) {
      const place = joinPath(base, step.below);
      if (refused !== undefined && isBelow(place, refused)) continue;
      refused = undefined;
      if (step.type === 'unreadable') {
        await this.#edit.pause();
        this.#edit.fail(step.error, step.path);
        continue;
      }
      const { original } = step;
      if (step.type === 'enter') {
        if (!(await this.#edit.apply(original.path, () => this.#enter(original, place)))) refused = place;
      } else if (step.type === 'leave') {
        await this.#edit.pause();
        await this.#edit.attempt(() => this.#leave(original, place), original.path);
      } else await this.one(original, place);
    }
  }

  /** Makes one thing that is no directory. */
  async one(original: Original, place: Uint8Array): Promise<void> {
    await this.#edit.apply(original.path, async () => {
      await this.#replace(original, place);
      return true;
    });
  }

  /** False where the directory was there. */
  async #enter(original: Original, place: Uint8Array): Promise<boolean> {
    const there = await this.#find(place);
    if (there !== undefined) {
      if (there.kind === 'directory') return false;
      const detail = 'what is no directory is not replaced by one';
      throw refusal('ENOTDIR', { syscall: this.#options.syscall, path: original.path, dest: place, detail });
    }
    await this.#run('mkdir', place, this.#volume.vfs.mkdir(place, original.mode & 0o777));
    return true;
  }

  async #leave(original: Original, place: Uint8Array): Promise<void> {
    const { preserve, owner } = this.#options;
    if (!preserve && owner === undefined) return;
    const inode = await this.#find(place);
    if (inode?.kind === 'directory') await this.#setAttributes(original, inode, place, undefined);
  }

  async #replace(original: Original, place: Uint8Array): Promise<void> {
    const { syscall } = this.#options;
    const there = await this.#find(place);
    if (there?.kind === 'directory') {
      const detail = 'a directory is not replaced by what is none';
      throw refusal('EISDIR', { syscall, path: original.path, dest: place, detail });
    }
    if (there !== undefined && there.ino === original.ino) {
      throw refusal('EINVAL', { syscall, path: original.path, dest: place, detail: 'they are the same file' });
    }
    const { directory, name } = splitPath(place);
    const unfinished = joinPath(directory, unfinishedName(name));
    try {
      if (original.kind === 'file') await this.#writeFile(original, unfinished, there, place);
      else {
        await this.#make(original, unfinished);
        await this.#setAttributes(original, (await this.#find(unfinished))!, place, there);
      }
      await this.#run('rename', place, this.#volume.vfs.rename(unfinished, place));
    } catch (error) {
      await this.#remove(unfinished);
      throw error;
    }
  }

  async #writeFile(
    original: Original,
    unfinished: Uint8Array,
    there: Inode | undefined,
    place: Uint8Array,
  ): Promise<void> {
    const { vfs, f2fs } = this.#volume;
    const contents = original.open();
    try {
      const options = { access: 'write', create: true, exclusive: true, mode: original.mode & 0o777 } as const;
      const fd = await this.#anew(unfinished, () => this.#run('open', place, vfs.open(unfinished, options)));
      try {
        await this.#write(fd, contents, place);
        await this.#setAttributes(original, vfs.file(fd).inode, place, there);
      } finally {
        await this.#run('close', place, vfs.close(fd));
      }
    } finally {
      contents.close();
    }
    await this.#run('write', place, f2fs.writer!.flusher.sync());
  }

  async #write(fd: number, contents: Contents, place: Uint8Array): Promise<void> {
    const file = this.#volume.vfs.file(fd);
    let end = 0;
    for (;;) {
      const piece = await this.#edit.wait(contents.next());
      if (piece === undefined) break;
      const { position, bytes } = piece;
      // A short count says that something failed: the next write says what.
      for (let done = 0; done < bytes.length; ) {
        done += await this.#run('write', place, file.writeAt(position + done, bytes.subarray(done)));
      }
      end = position + bytes.length;
    }
    if (end < contents.size) await this.#run('ftruncate', place, file.truncate(contents.size));
  }

  /** A symlink or a special file. */
  async #make(original: Original, unfinished: Uint8Array): Promise<void> {
    const { vfs } = this.#volume;
    const { kind, mode, device } = original;
    if (kind === 'symlink') {
      const target = await original.target();
      await this.#anew(unfinished, () => this.#run('symlink', unfinished, vfs.symlink(target, unfinished)));
    } else {
      const node = { kind: kind as Exclude<typeof kind, 'directory' | 'symlink'>, mode: mode & 0o777, ...device };
      await this.#anew(unfinished, () => this.#run('mknod', unfinished, vfs.mknod(unfinished, node)));
    }
  }

  /** Makes a file of our own; what has its name is of a run that was cut off. */
  async #anew<T>(unfinished: Uint8Array, make: () => Promise<T>): Promise<T> {
    try {
      return await make();
    } catch (error) {
      if (!hasCode(error, 'EEXIST')) throw error;
    }
    await this.#run('unlink', unfinished, this.#volume.vfs.unlink(unfinished));
    return await make();
  }

  async #remove(unfinished: Uint8Array): Promise<void> {
    try {
      await this.#run('unlink', unfinished, this.#volume.vfs.unlink(unfinished));
    } catch (error) {
      // Not made, or on a volume that takes no more changes: the reason for that is the one to tell.
      if (!hasCode(error, 'ENOENT') && !hasCode(error, 'EROFS')) throw error;
    }
  }

  /** Those of the original, or of the file that is replaced. The owner first: it takes set-ID bits away. */
  async #setAttributes(original: Original, inode: Inode, place: Uint8Array, there: Inode | undefined): Promise<void> {
    const { preserve, preserveOwner } = this.#options;
    const old = there?.attributes();
    const owner = this.#options.owner ?? (preserveOwner ? original.owner : old);
    if (owner !== undefined) {
      const { uid, gid } = owner;
      await this.#change('chown', place, inode, { uid, gid });
    }
    const xattrs = preserve ? await original.xattrs?.() : await this.#xattrsOf(there, place);
    if (xattrs !== undefined) await this.#setXattrs(inode, xattrs, place);
    const changes: AttributeChanges = preserve ? { ...original.times } : {};
    if (inode.kind !== 'symlink') {
      const keepsOwner = this.#options.owner !== undefined || preserveOwner;
      if (preserve) changes.mode = original.mode & (keepsOwner ? 0o7777 : 0o1777);
      else if (old !== undefined && there?.kind !== 'symlink') changes.mode = old.mode & 0o7777;
    }
    if (Object.keys(changes).length > 0) await this.#change('chmod', place, inode, changes);
  }

  async #xattrsOf(inode: Inode | undefined, place: Uint8Array): Promise<ExtendedAttribute[] | undefined> {
    return inode === undefined ? undefined : await this.#run('getxattr', place, inode.extendedAttributes());
  }

  /** Also takes away what the directory gave to the new file. */
  async #setXattrs(inode: Inode, xattrs: readonly ExtendedAttribute[], place: Uint8Array): Promise<void> {
    const given = await this.#run('getxattr', place, inode.extendedAttributes());
    for (const { name } of given) {
      if (xattrs.some((one) => bytesEqual(one.name, name))) continue;
      await this.#run('removexattr', place, inode.removeXattr!(name));
    }
    for (const { name, value } of xattrs) await this.#run('setxattr', place, inode.setXattr!(name, value));
  }

  #change(syscall: string, place: Uint8Array, inode: Inode, changes: AttributeChanges): Promise<void> {
    return this.#run(syscall, place, inode.setAttributes!(changes));
  }

  async #find(path: Uint8Array): Promise<Inode | undefined> {
    return (await find(this.#volume, 'lstat', path, { followLast: false }))?.inode;
  }

  #run<T>(syscall: string, path: Uint8Array, task: Parameters<typeof withPath<T>>[2]): Promise<T> {
    return this.#edit.run(syscall, path, task);
  }
}

/** Beside the final name, with its extensions. */
export function unfinishedName(name: Uint8Array): Uint8Array {
  const dot = name.indexOf(DOT, 1);
  const own = utf8Encode(UNFINISHED);
  if (dot < 0 || own.length + name.length - dot > NAME_BYTES_MAX) return own;
  return Buffer.concat([own, name.subarray(dot)]);
}
