// Takes the few blocks of a volume that the tests of this package decode, and what f2fs-tools says about them.
//
//   node scripts/extract-blocks.mjs IMAGE NAME     writes test/fixtures/NAME.blocks.gz and NAME.json
//
// NAME.blocks.gz: records of a little-endian u32 block address and the block's 4096 bytes: both superblocks, both
// checkpoint packs, the current NAT block of the root, and one inode of each kind (type, inline bits, flags, orphan).
// NAME.json: fields as `dump.f2fs` prints them, so that the expected values come from another program.

import { spawnSync } from 'node:child_process';
import { closeSync, openSync, readSync, writeFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import * as format from '../dist/index.js';

const [image, name] = process.argv.slice(2);
if (image === undefined || name === undefined) {
  console.error('usage: node scripts/extract-blocks.mjs IMAGE NAME');
  process.exit(2);
}

const INODES_MAX = 20;
const NIDS_MAX = 4000;
const file = openSync(image, 'r');
const blocks = new Map();

function readBlock(address) {
  const block = new Uint8Array(format.BLOCK_SIZE);
  readSync(file, block, 0, block.length, address * format.BLOCK_SIZE);
  return block;
}

function take(address) {
  if (!blocks.has(address)) blocks.set(address, readBlock(address));
  return blocks.get(address);
}

function viewOf(block) {
  return new DataView(block.buffer, block.byteOffset, block.byteLength);
}

/** `name [0x.. : 12]` and `name [text]` lines of dump.f2fs, which fails in the end because it cannot ask its question. */
function judge(args) {
  const text = spawnSync('dump.f2fs', [...args, image], { stdio: ['ignore', 'pipe', 'ignore'] }).stdout.toString();
  const fields = {};
  for (const line of text.split('\n')) {
    const number = /^([a-z_]\w*(?:\[\w+\])?)(?: reserved flag)?\s+\[0x\s*[0-9a-f]+ : (\d+)\]$/.exec(line);
    if (number !== null) fields[number[1]] ??= Number(number[2]);
    const extent = /^i_ext: fofs:(\w+) blkaddr:(\w+) len:(\w+)$/.exec(line);
    if (extent !== null) fields.i_ext = extent.slice(1).map((value) => Number.parseInt(value, 16));
    const label = /^(i_name|volum_name)\s+\[(.*)\]$/.exec(line);
    if (label !== null) fields[label[1]] = label[2];
  }
  return fields;
}

const superblocks = [take(0), take(1)].map((block) => block.subarray(format.SUPER_OFFSET));
const { superblock } = format.selectSuperblock(superblocks[0], superblocks[1]);
const packs = [0, 1].map((index) => {
  const address = format.packAddress(superblock, index);
  try {
    const { packBlockCount } = format.decodeCheckpoint(take(address), superblock, address);
    for (let at = 1; at < packBlockCount; at++) take(address + at);
    return format.decodePack(take(address), take(address + packBlockCount - 1), superblock, address);
  } catch (error) {
    return error;
  }
});
const { checkpoint } = format.selectPack(packs[0], packs[1]);
const layout = format.packLayout(checkpoint, superblock);
const head = new Uint8Array((1 + layout.payloadBlocks) * format.BLOCK_SIZE);
for (let at = 0; at <= layout.payloadBlocks; at++) head.set(take(checkpoint.address + at), at * format.BLOCK_SIZE);
const bitmaps = format.versionBitmaps(checkpoint, superblock, head);
const place = format.journalsOfPack(layout).nat;
const journal = format.decodeNatJournal(viewOf(take(checkpoint.address + place.index)), place.offset);

const fields = judge(['-d', '1']);
const inodes = {};
const kinds = new Set();
take(format.natBlockAddress(superblock, superblock.rootIno, bitmaps.nat));
let nat;
for (let nid = superblock.rootIno; nid < NIDS_MAX && kinds.size < INODES_MAX; nid++) {
  if (nat === undefined || nid % format.NAT_ENTRIES_PER_BLOCK === 0) {
    nat = viewOf(readBlock(format.natBlockAddress(superblock, nid, bitmaps.nat)));
  }
  const at = format.natEntryOffset(nid);
  const entry = journal.find((record) => record.nid === nid) ?? {
    ino: format.NatEntry.ino.get(nat, at),
    blockAddress: format.NatEntry.blockAddress.get(nat, at),
  };
  if (entry.ino !== nid || entry.blockAddress === 0) continue;
  const view = viewOf(readBlock(entry.blockAddress));
  const { mode, inlineFlags, flags, xattrNid } = format.RawInode;
  const type = mode.get(view, 0) & format.ModeType.mask;
  const orphan = format.RawInode.links.get(view, 0) === 0;
  const kind = [type, inlineFlags.get(view, 0), flags.get(view, 0), xattrNid.get(view, 0) !== 0, orphan].join();
  if (kinds.has(kind)) continue;
  kinds.add(kind);
  take(entry.blockAddress);
  const said = judge(['-i', `${nid}`]);
  for (const key of Object.keys(said)) if (!/^i_/.test(key) || /^i_addr/.test(key)) delete said[key];
  if (Object.keys(said).length > 0) inodes[nid] = { address: entry.blockAddress, ...said };
}
closeSync(file);

const records = [];
for (const [address, block] of [...blocks].sort(([a], [b]) => a - b)) {
  const prefix = new Uint8Array(4);
  viewOf(prefix).setUint32(0, address, true);
  records.push(prefix, block);
}
const base = new URL(`../test/fixtures/${name}`, import.meta.url).pathname;
writeFileSync(`${base}.blocks.gz`, gzipSync(Buffer.concat(records), { level: 9 }));
writeFileSync(`${base}.json`, `${JSON.stringify({ fields, inodes }, null, 1)}\n`);
console.log(`${name}: ${blocks.size} blocks, ${Object.keys(inodes).length} inodes`);
