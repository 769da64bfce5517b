// Keeps the tables of docs/format.md equal to the declared layouts. The prose is written by hand; what stands between
// `<!-- table:NAME -->` and `<!-- /table -->` is replaced.
//
//   node scripts/make-format-doc.mjs            write docs/format.md
//   node scripts/make-format-doc.mjs --check    exit 1 when it is out of date
//
// Runs on the built package. The test of this package imports `fillTables` and runs it on the sources instead.

import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const documentPath = fileURLToPath(new URL('../../../docs/format.md', import.meta.url));

/** The constants that the document shows, with what they mean. */
const constants = {
  BLOCK_SIZE: 'bytes of a block',
  SEGMENT_BLOCKS: 'blocks of a segment',
  SUPER_OFFSET: 'byte of blocks 0 and 1 where a superblock copy starts',
  SUPER_MAGIC: 'first word of the superblock; seed of most checksums',
  XATTR_MAGIC: 'first word of an extended attribute area',
  NULL_ADDRESS: 'a hole; a free nid',
  NEW_ADDRESS: 'a data slot that is reserved and reads as zeros',
  COMPRESS_ADDRESS: 'the first slot of a compressed cluster',
  NAT_ENTRIES_PER_BLOCK: 'nids of a NAT block',
  SIT_ENTRIES_PER_BLOCK: 'segments of a SIT block',
  NAT_JOURNAL_ENTRIES: 'entries that the NAT journal holds',
  SIT_JOURNAL_ENTRIES: 'entries that the SIT journal holds',
  SUMMARY_ENTRIES_PER_BLOCK: 'entries of a summary',
  COMPACT_ENTRIES_FIRST: 'summary entries in the first compact block',
  COMPACT_ENTRIES_SECOND: 'summary entries in the second compact block',
  ORPHANS_PER_BLOCK: 'inodes of an orphan block',
  ADDRESSES_PER_INODE_MAX: 'words of an inode’s address area',
  ADDRESSES_PER_NODE: 'addresses of a direct node',
  NIDS_PER_NODE: 'nids of an indirect node',
  DENTRIES_PER_BLOCK: 'slots of a dentry block',
  MAX_NAME_BYTES: 'bytes of a file name',
  MAX_DIRECTORY_DEPTH: 'hash levels of a directory',
  MAX_FILE_BYTES: 'bytes of the longest file',
  MIN_SEGMENTS: 'segments of the smallest volume',
  MAX_SEGMENTS: 'segments of the largest volume (16 TiB)',
};

const hexadecimal = new Set(['SUPER_MAGIC', 'XATTR_MAGIC', 'NEW_ADDRESS', 'COMPRESS_ADDRESS']);

const hex = (value) => `0x${value.toString(16).toUpperCase()}`;
const cell = (text) => String(text).replaceAll('|', '\\|');
const snake = (name) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

function table(head, rows) {
  const line = (cells) => `| ${cells.map(cell).join(' | ')} |`;
  return [line(head), `|${head.map(() => '---|').join('')}`, ...rows.map(line)].join('\n');
}

function layoutTable({ $fields, $name, $size }) {
  const rows = $fields.map(([name, { offset, size, type, note }]) => [
    offset,
    size,
    `\`${type}\``,
    `\`${name}\``,
    note,
  ]);
  return `\`${$name}\`, ${$size} bytes\n\n${table(['offset', 'bytes', 'type', 'field', 'meaning'], rows)}`;
}

function maskTable(bits, notes) {
  const rows = Object.entries(bits).map(([name, bit]) => [hex(bit), `\`${snake(name)}\``, notes[name]]);
  return table(['bit', 'name', 'meaning'], rows);
}

/** Every table that a document may use: one for each layout, under its export name, and those named below. */
export function formatTables(format) {
  const tables = new Map();
  for (const [name, value] of Object.entries(format)) {
    if (typeof value === 'object' && value !== null && '$fields' in value) tables.set(name, layoutTable(value));
  }
  tables.set('features', maskTable(format.Feature, format.featureNotes));
  tables.set('checkpoint-flags', maskTable(format.CheckpointFlag, format.checkpointFlagNotes));
  tables.set('inline-flags', maskTable(format.InlineFlag, format.inlineFlagNotes));
  tables.set('advise', maskTable(format.Advise, format.adviseNotes));
  tables.set('inode-flags', maskTable(format.InodeFlag, format.inodeFlagNotes));
  tables.set(
    'constants',
    table(
      ['constant', 'value', 'meaning'],
      Object.entries(constants).map(([name, meaning]) => {
        const value = format[name];
        if (typeof value !== 'number') throw new Error(`no constant ${name}`);
        return [`\`${name}\``, hexadecimal.has(name) ? hex(value) : value, meaning];
      }),
    ),
  );
  const numbered = (names) =>
    table(
      ['number', 'meaning'],
      [...names].map((name, index) => [index, name]),
    );
  tables.set('stop-reasons', numbered(format.stopReasonTable));
  tables.set('errors', numbered(format.errorTable));
  tables.set('segment-types', numbered(Object.values(format.SegmentType).map(format.segmentTypeName)));
  const values = (object) =>
    table(
      ['value', 'name'],
      Object.entries(object).map(([name, value]) => [value, `\`${name}\``]),
    );
  tables.set('file-types', values(format.FileType));
  tables.set('acl-tags', values(format.AclTag));
  const indexes = Object.entries(format.XattrIndex).map(([name, index]) => {
    return [index, `\`${name}\``, format.xattrPrefixes.has(index) ? `\`${format.xattrPrefixes.get(index)}\`` : ''];
  });
  tables.set('xattr-indexes', table(['index', 'name', 'users see'], indexes));
  const algorithms = Object.values(format.CompressAlgorithm).map((id) => {
    const levels = format.compressLevels(id);
    return [
      id,
      `\`${format.compressAlgorithmName(id)}\``,
      levels === undefined ? '0' : `0, ${levels.min}..${levels.max}`,
    ];
  });
  tables.set('algorithms', table(['id', 'name', 'levels'], algorithms));
  return tables;
}

/**
 * The document with all its tables made anew. Throws for a table that does not exist, and for one that the document
 * leaves out: a structure without a place in the document is not documented.
 */
export function fillTables(document, tables) {
  const unused = new Set(tables.keys());
  const filled = document.replace(/<!-- table:(\S+) -->[\s\S]*?<!-- \/table -->/g, (_match, name) => {
    const text = tables.get(name);
    if (text === undefined) throw new Error(`docs/format.md asks for a table that does not exist: ${name}`);
    unused.delete(name);
    return `<!-- table:${name} -->\n\n${text}\n\n<!-- /table -->`;
  });
  if (unused.size > 0) throw new Error(`docs/format.md lacks tables: ${[...unused].join(', ')}`);
  return filled;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const format = await import('../dist/index.js');
  const document = readFileSync(documentPath, 'utf8');
  const filled = fillTables(document, formatTables(format));
  if (process.argv.includes('--check')) {
    if (filled !== document) {
      console.error('docs/format.md is out of date: run `pnpm run docs` in packages/f2fs-format');
      process.exit(1);
    }
  } else if (filled !== document) {
    writeFileSync(documentPath, filled);
    console.log('docs/format.md written');
  }
}
