// Making the name of a new file again, as its inode remembers it. Where the name stands for another inode, that one had lost
// it before: it loses it again, and is freed when that was its last.
//
// Source: spec 10.3; kernel fs/f2fs/recovery.c (recover_dentry, init_recovered_filename).

import type { FsError } from '@f2fskit/errno';
import { Advise, corrupt, type InodeFields, RawInode } from '@f2fskit/f2fs-format';
import type { DecodedInode } from '@f2fskit/f2fs-node';
import type { Task } from '@f2fskit/task';
import { bytesEqual } from '@f2fskit/vfs';
import { changeInodeNode, setChangeTime, setModifyTime } from '../change-inode.ts';
import { isDot, isImpossibleName, readDentries } from '../dentry-area.ts';
import { DentryAreas, type FoundDentry, findDentry, isCasefolded, isEncrypted } from '../directory.ts';
import { isEmptyDirectory, removeDentry } from '../names/change-dentry.ts';
import { Claim } from '../names/claim.ts';
import { freeInode } from '../names/free-inode.ts';
import { insertDentry, makeRoomInline, planInsertion } from '../names/insert-dentry.ts';
import { addLinks, checkLinks, dropLink, isDirectory } from '../names/links.ts';
import type { VolumeWriter } from '../volume-writer.ts';
import type { LoggedInode } from './recover-inode.ts';

/** Where a name stands, and what it stands for now. */
type Entry = Pick<FoundDentry, 'ino' | 'fileBlock' | 'slot'>;

/**
 * Gives the inode the name that the logged one remembers. Returns the inode that was freed for it, 0 when none was. Throws
 * Corruption recovery for a name that cannot be, ENOSPC.
 */
export function* recoverName(writer: VolumeWriter, { fields, view }: LoggedInode): Task<number> {
  const { nid: ino, parentIno, nameBytes: name, fileType } = fields;
  const directory = yield* writer.store.readInode(parentIno);
  checkNameOf(fields, directory);
  const found = yield* findEntry(writer, directory, name);
  if (found?.ino === ino) return 0;
  const freed = found === undefined ? 0 : yield* removeEntry(writer, parentIno, found);
  yield* makeRoomInline(writer, parentIno, name);
  const insertion = yield* planInsertion(writer, parentIno, name, storedHash(fields, view, directory));
  const claim = yield* Claim.take(writer, insertion.blocks, insertion.nodes);
  yield* insertDentry(writer, insertion, claim, { name, ino, fileType });
  // The name was made when the file was: every recovery of this chain gives the same volume (I-65).
  yield* changeInodeNode(writer, parentIno, (parent) => {
    setModifyTime(parent, fields.ctime);
    setChangeTime(parent, fields.ctime);
  });
  return freed;
}

function checkNameOf({ nid: ino, nameBytes, advise, parentIno }: InodeFields, directory: DecodedInode): void {
  const encrypted = isEncrypted(directory);
  const sound = nameBytes.length > 0 && (encrypted || !(isDot(nameBytes) || isImpossibleName(nameBytes)));
  const sameKind = encrypted === ((advise & Advise.encryptedName) !== 0);
  if (sound && sameKind && isDirectory(directory) && directory.fields.links > 0) return;
  const detail = `a new file without a possible name (parent ${parentIno})`;
  throw corrupt('recovery', { where: { ino, offset: RawInode.name.offset }, detail });
}

/** Where the key is needed for it, the hash of the name stands behind it. */
function storedHash({ nameBytes }: InodeFields, view: DataView, directory: DecodedInode): number | undefined {
  if (!isEncrypted(directory) || !isCasefolded(directory)) return undefined;
  const offset = RawInode.name.offset + nameBytes.length;
  if (nameBytes.length + 4 <= RawInode.name.size) return view.getUint32(offset, true);
  throw corrupt('recovery', { where: { ino: directory.ino }, detail: 'a name whose hash nobody knows' });
}

/** Names of encrypted directories are compared as they are stored. */
function* findEntry(writer: VolumeWriter, directory: DecodedInode, name: Uint8Array): Task<Entry | undefined> {
  const { store, directories } = writer;
  if (!isEncrypted(directory)) return yield* findDentry(store, directory, name, directories);
  const areas = new DentryAreas(store, { raw: directory }, directories);
  for (;;) {
    const area = yield* areas.next();
    if (area === undefined) return undefined;
    const problems: FsError[] = [];
    const entries = readDentries(area, store.nat.nidEnd, problems);
    if (problems[0] !== undefined) throw problems[0];
    const found = entries.find((entry) => bytesEqual(entry.name, name));
    if (found !== undefined) return { ino: found.ino, slot: found.slot, fileBlock: area.place.fileBlock };
  }
}

/** Takes a name away from what it stood for. Returns the number of an inode that was freed, or 0. */
function* removeEntry(writer: VolumeWriter, parentIno: number, entry: Entry): Task<number> {
  const { store } = writer;
  const inode = yield* store.readInode(entry.ino);
  checkLinks(inode);
  if (isDirectory(inode)) {
    // It was empty when it lost its name; what was in it then has no other place.
    if (!(yield* isEmptyDirectory(writer, inode))) {
      const detail = 'the name of a new file belongs to a directory that is not empty';
      throw corrupt('recovery', { where: { ino: entry.ino }, detail });
    }
    yield* addLinks(writer, parentIno, -1);
  }
  yield* removeDentry(writer, parentIno, entry);
  yield* dropLink(writer, entry.ino);
  if (!writer.orphans.has(entry.ino)) return 0;
  yield* freeInode(writer, entry.ino);
  return entry.ino;
}
