#!/usr/bin/env node
// judge.mjs IMAGE ... : does fsck.f2fs find nothing wrong with these volumes? (A dry run: they are not changed.)
// Exit code 0 when it accepts all; otherwise 1, and what it objects to.
//
// What it would repair counts as well, though a dry run that only repairs (a summary that names another owner) ends with exit code 0.
// Set aside: the hash of a name whose folding does not fit into 255 bytes, which is that of its own bytes, as Linux writes it; and the
// type of a free segment, where the checkpoint asks for quota files to be made anew, which the dry run does there, in memory.
//
// One objection is the judge's own mistake, found on a volume that Linux had written and unmounted: f2fs-tools 1.15 and
// 1.16.0 ask "is this file compressed?" of byte 80 of each dnode as if it were an inode, which is the dnode's address 20.
// Where that address lacks bit 2, a compressed cluster of the dnode counts as one block less. (Later sources ask the
// inode.) Such an objection is set aside only when it is proved: the slot holds COMPRESS_ADDR, address 20 lacks the
// bit, the inode's own i_blocks exceeds the counted one by exactly the number of
// its clusters so misread, the volume's count by their sum, and nothing else is wrong.
import { spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, readSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import process from 'node:process';

const COMPRESSED_FLAG = 0x4;
const COMPRESS_ADDRESS = 0xfffffffe;
const BLOCK_BYTES = 4096;
/** Where `i_flags` would be, as an index of the addresses of a dnode. */
const MISREAD_ADDRESS = 20;
const FSCK = process.env.FSCK_F2FS ?? 'fsck.f2fs';
const DUMP = process.env.DUMP_F2FS ?? 'dump.f2fs';

let bad = 0;
for (const image of process.argv.slice(2)) {
  const plain = fsck(image);
  const complaints = plain.text.split('\n').filter((line) => isComplaint(line, plain.text));
  if (plain.status === 0 && complaints.length === 0) continue;
  const problem = explain(image);
  if (problem === undefined) continue;
  bad = 1;
  process.stdout.write(
    `${image}: fsck.f2fs objects (exit code ${plain.status}; ${problem})\n${complaints.slice(0, 10).join('\n')}\n`,
  );
}
process.exit(bad);

function isComplaint(line, text) {
  if (!line.includes('[FIX]')) return /ASSERT|\[Fail\]/.test(line);
  if (/\(check_sit_types: *\d+\)/.test(line) && /checkpoint state = .* quota_need_fsck/.test(text)) return false;
  const hashed = /\(f2fs_check_hash_code: *\d+\)\s+--> Mismatch hash_code for "(.*)" \[/.exec(line)?.[1];
  // A folding is at most three times as long.
  return hashed === undefined || Buffer.byteLength(hashed) < 255 / 3;
}

function fsck(image, ...options) {
  const run = spawnSync(FSCK, ['--dry-run', '-f', ...options, image], { encoding: 'utf8', maxBuffer: 1 << 30 });
  if (run.error !== undefined) throw run.error;
  return { status: run.status, text: run.stdout + run.stderr };
}

/** `undefined` when every objection is the mistake above; otherwise what is not. */
function explain(image) {
  const { text } = fsck(image, '-d', '3');
  const misread = new Map();
  for (const [, nid, slot] of text.matchAll(
    /\(fsck_chk_dnode_blk:\d+\)\s+--> \[0x([0-9a-f]+)\] dn\.addr\[(\d+)\] = 0/g,
  )) {
    const node = parseInt(nid, 16);
    misread.set(node, [...(misread.get(node) ?? []), Number(slot)]);
  }
  if (misread.size === 0) return 'not a misread cluster';
  const clustersOf = new Map();
  const nodes = nodeTable(image);
  for (const [nid, slots] of misread) {
    const { ino, block } = nodes.get(nid) ?? {};
    if (block === undefined) return `nid ${nid} has no block`;
    const dnode = readBlock(image, block);
    if ((dnode.readUInt32LE(4 * MISREAD_ADDRESS) & COMPRESSED_FLAG) !== 0)
      return `dnode ${nid} is not one that is misread`;
    for (const slot of slots) {
      if (dnode.readUInt32LE(4 * slot) !== COMPRESS_ADDRESS)
        return `slot ${slot} of dnode ${nid} is no compressed cluster`;
    }
    clustersOf.set(ino, (clustersOf.get(ino) ?? 0) + slots.length);
  }
  let sum = 0;
  for (const [, function_, line, rest] of text.matchAll(/\[ASSERT\] \((\w+): *(\d+)\)\s+--> (.*)/g)) {
    const blocks = /^ino: 0x([0-9a-f]+) has i_blocks: ([0-9a-f]+), but has (\d+) blocks/.exec(rest);
    const checksum = /^ino: 0x([0-9a-f]+) chksum:/.exec(rest);
    const ino = parseInt((blocks ?? checksum)?.[1] ?? '', 16);
    if (!clustersOf.has(ino)) return `${function_}:${line} ${rest}`;
    // The checksum is computed over the inode with the "repaired" i_blocks.
    if (blocks === null) continue;
    const missing = parseInt(blocks[2], 16) - Number(blocks[3]);
    if (missing !== clustersOf.get(ino))
      return `ino ${ino}: ${missing} blocks missing, ${clustersOf.get(ino)} clusters misread`;
    sum += missing;
  }
  if (sum === 0) return 'no inode that miscounts';
  for (const [whole, function_, line, rest] of text.matchAll(/\[FIX\] \((\w+): *(\d+)\)\s+--> (.*)/g)) {
    if (!isComplaint(whole, text)) continue;
    // The misread slots, which are looked at above, and what counts them.
    if (/^\[0x[0-9a-f]+\] dn\.addr\[\d+\] = 0$/.test(rest)) continue;
    const ino =
      /^\[0x([0-9a-f]+)\] i_(?:compr_)?blocks=/.exec(rest) ??
      /^ino: 0x([0-9a-f]+) recover, i_inode_checksum=/.exec(rest);
    if (!clustersOf.has(parseInt(ino?.[1] ?? '', 16))) return `${function_}:${line} ${rest}`;
  }
  const claimed = parseInt(/^valid_block_count\s+\[0x\s*([0-9a-f]+)/m.exec(text)?.[1] ?? '', 16);
  for (const [, what, found] of text.matchAll(/^\[FSCK\] (.*?)\s*\[Fail\](.*)$/gm)) {
    if (what === 'other corrupted bugs') continue;
    const counted = parseInt(/\[0x([0-9a-f]+)\]/.exec(found)?.[1] ?? '', 16);
    if (!what.startsWith('valid_block_count') || claimed - counted !== sum) return `${what}${found}`;
  }
  return undefined;
}

/** What dump.f2fs says of every nid. */
function nodeTable(image) {
  const folder = mkdtempSync(path.join(tmpdir(), 'judge-'));
  try {
    spawnSync(DUMP, ['-n', '0~4000000', path.resolve(image)], { cwd: folder, maxBuffer: 1 << 30 });
    const table = new Map();
    const text = readFileSync(path.join(folder, 'dump_nat'), 'latin1');
    for (const [, nid, ino, block] of text.matchAll(
      /nid:\s*(\d+)\s+ino:\s*(\d+)\s+offset:\s*\d+\s+blkaddr:\s*(\d+)/g,
    )) {
      table.set(Number(nid), { ino: Number(ino), block: Number(block) });
    }
    return table;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function readBlock(image, block) {
  const bytes = Buffer.alloc(BLOCK_BYTES);
  const file = openSync(image, 'r');
  try {
    readSync(file, bytes, 0, BLOCK_BYTES, block * BLOCK_BYTES);
  } finally {
    closeSync(file);
  }
  return bytes;
}
