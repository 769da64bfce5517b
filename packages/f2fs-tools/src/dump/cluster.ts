// A cluster of a compressed file: its slots, the header of its payload, and whether it decodes.

import { EINVAL, FsError } from '@f2fskit/errno';
import type { F2fsInode, F2fsVolume } from '@f2fskit/f2fs';
import {
  Advise,
  BLOCK_SIZE,
  ClusterHeader,
  COMPRESS_ADDRESS,
  clusterBlocks,
  clusterChecksum,
  compressAlgorithmName,
  isMainAddress,
  NEW_ADDRESS,
  NULL_ADDRESS,
} from '@f2fskit/f2fs-format';
import { BlockMapping, locateDnode, mapBlocks } from '@f2fskit/f2fs-node';
import { viewOf } from '@f2fskit/ondisk';
import type { Task } from '@f2fskit/task';
import { addressMeaning } from './areas.ts';
import { clusterHeaderNames } from './c-names.ts';
import { attempt, type Dump, type DumpFact, type DumpRow, fieldRows, newDump, placeAt } from './dump.ts';
import { bytesOf, countOf, hexOf, rangeOf } from './phrases.ts';

/**
 * The cluster that holds block `fileBlock` of a compressed file. Decodes it through the volume's codecs; what prevents
 * that is a problem of the dump. Throws EINVAL for a file that is not compressed, EFBIG for a block that no file has,
 * Corruption where the inode or a node on the way is broken, EIO.
 */
export function* dumpCluster(volume: F2fsVolume, ino: number, fileBlock: number): Task<Dump> {
  const inode = yield* volume.readInode(ino);
  const { fields, raw } = inode;
  if (!fields.compressed) throw new FsError(EINVAL, `ino ${ino} is not a compressed file`);
  if (!Number.isInteger(fileBlock) || fileBlock < 0) throw new FsError(EINVAL, `there is no file block ${fileBlock}`);
  const blocks = clusterBlocks(fields.logClusterSize);
  const start = fileBlock - (fileBlock % blocks);
  const title = `Cluster of ino ${ino}, file block ${rangeOf(start, blocks)}`;
  const algorithm = compressAlgorithmName(fields.compressAlgorithm) ?? 'unknown';
  const facts: DumpFact[] = [{ name: 'cluster', value: `${countOf(blocks, 'block')}, ${algorithm}` }];
  const range = yield* locateDnode(volume.store, raw, start);
  if (range.hole) {
    facts.push({ name: 'kind', value: 'hole: no node holds its slots' });
    return newDump({ title, place: placeAt(raw.address), layout: 'cluster', facts });
  }
  const { node, nid, slotOffset } = range;
  const offset = slotOffset + 4 * (start - range.start);
  const slots = Array.from({ length: blocks }, (_, index) => node.view.getUint32(offset + 4 * index, true));
  const problems: FsError[] = [];
  const children: Dump[] = [];
  facts.push({ name: 'node', value: `nid ${nid} in block ${node.address}` }, { name: 'kind', value: kindOf(slots) });
  if (slots[0] === COMPRESS_ADDRESS) {
    const mapped = yield* attempt(mapBlocks(volume.store, raw, start, start + blocks, new BlockMapping()));
    if (mapped.problem !== undefined) problems.push(mapped.problem);
    const payload = payloadOf(volume, slots);
    facts.push({ name: 'payload', value: `${countOf(payload.length, 'block')}, saves ${blocks - payload.length}` });
    if (payload.length > 0) children.push(yield* headerDump(volume, inode, payload));
    if (mapped.problem === undefined) facts.push(yield* decodedFact(inode, start, blocks, problems));
  }
  return newDump({
    title,
    place: placeAt(node.address, offset),
    layout: 'cluster',
    facts,
    rows: slotRows(volume, slots),
    problems,
    children,
  });
}

function kindOf(slots: readonly number[]): string {
  if (slots[0] === COMPRESS_ADDRESS) return 'compressed';
  if (slots.every((address) => address === NULL_ADDRESS)) return 'hole';
  return 'raw: every slot is a block of its own';
}

/** The addresses behind the mark up to the first slot without one; only those that can be read. */
function payloadOf({ superblock }: F2fsVolume, slots: readonly number[]): number[] {
  const end = slots.findIndex((address, index) => index > 0 && !isMainAddress(superblock, address));
  return slots.slice(1, end < 0 ? slots.length : end);
}

function slotRows({ superblock }: F2fsVolume, slots: readonly number[]): DumpRow[] {
  return slots.map((value, index) => ({
    offset: 4 * index,
    size: 4,
    type: 'u32',
    name: `slots[${index}]`,
    value,
    meaning: slotMeaning(value, index, slots, addressMeaning(superblock, value)),
    note: 'the mark, then payload, then what is reserved or released; or blocks of their own',
  }));
}

function slotMeaning(value: number, index: number, slots: readonly number[], address: string): string {
  if (slots[0] !== COMPRESS_ADDRESS || index === 0) return value === NULL_ADDRESS ? 'hole' : address;
  if (value === NULL_ADDRESS) return 'released';
  return value === NEW_ADDRESS ? 'reserved' : `payload: ${address}`;
}

function* headerDump(volume: F2fsVolume, { fields }: F2fsInode, payload: readonly number[]): Task<Dump> {
  const bytes = new Uint8Array(payload.length * BLOCK_SIZE);
  for (const [index, address] of payload.entries()) {
    bytes.set((yield* volume.store.blocks.copy(address)).bytes, index * BLOCK_SIZE);
  }
  const view = viewOf(bytes);
  const room = bytes.length - ClusterHeader.$size;
  const length = ClusterHeader.length.get(view, 0);
  return newDump({
    title: 'Header of the payload',
    place: placeAt(payload[0]!),
    layout: ClusterHeader.$name,
    rows: fieldRows(ClusterHeader, view, 0, {
      cNames: clusterHeaderNames,
      meanings: {
        length: () =>
          length <= room ? `${bytesOf(length)} of at most ${room} bytes` : `more than the ${room} there are`,
        checksum: (found) => {
          if (!fields.compressFlag.checksum) return 'not in use';
          if (length > room) return 'cannot be checked';
          const expected = clusterChecksum(bytes, ClusterHeader.$size, ClusterHeader.$size + length);
          return found === expected ? 'right' : `wrong, should be ${hexOf(expected)}`;
        },
        reserved: (reserved) => (reserved.every((byte) => byte === 0) ? 'zero' : 'not zero'),
      },
    }),
  });
}

/** Reads the cluster as a reader would. */
function* decodedFact(inode: F2fsInode, start: number, blocks: number, problems: FsError[]): Task<DumpFact> {
  const name = 'decoded';
  if ((inode.fields.advise & Advise.encrypt) !== 0) return { name, value: 'no: the file is encrypted' };
  const target = new Uint8Array(blocks * BLOCK_SIZE);
  const { value: count, problem } = yield* attempt(inode.read(start * BLOCK_SIZE, target));
  if (problem !== undefined) {
    problems.push(problem);
    return { name, value: `no: ${problem.message}` };
  }
  if (count === 0) return { name, value: 'no: the cluster lies behind the end of the file' };
  return { name, value: `yes: ${countOf(target.length, 'byte')}, ${count} of them before the end of the file` };
}
