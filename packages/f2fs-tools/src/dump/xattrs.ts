// The extended attributes of an inode: the inline area and the body of the xattr node are one list, in which an entry may
// straddle the border. Rows count their bytes in that list.

import type { CorruptionPlace, FsError } from '@f2fskit/errno';
import { corrupt, XATTR_MAGIC, XATTR_NODE_BYTES, XattrEntry, XattrHeader, xattrPrefixes } from '@f2fskit/f2fs-format';
import type { CachedBlock } from '@f2fskit/f2fs-node';
import { viewOf } from '@f2fskit/ondisk';
import { joinBytes, utf8Decode } from '@f2fskit/vfs';
import { xattrHeaderNames } from './c-names.ts';
import { type Dump, type DumpRow, fieldRows, newDump, placeAt } from './dump.ts';
import { countOf, previewOf } from './phrases.ts';

/** The inline area of an inode: bytes `[offset, offset + size)` of its block. */
export interface InlineXattrs {
  readonly inode: CachedBlock;
  readonly offset: number;
  readonly size: number;
}

/** Attributes of an inode with `inline` in it and, where it has one, the xattr node `node`. */
export function xattrDump({ inode, offset, size }: InlineXattrs, node: CachedBlock | undefined): Dump {
  const inline = inode.bytes.subarray(offset, offset + size);
  const list = node === undefined ? inline : joinBytes(inline, node.bytes.subarray(0, XATTR_NODE_BYTES));
  const startsInline = size > 0 || node === undefined;
  const place = startsInline ? placeAt(inode.address, offset) : placeAt(node.address);
  const problems: FsError[] = [];
  const placeOf = (at: number): CorruptionPlace =>
    at < size ? { block: inode.address, offset: offset + at } : { block: node?.address ?? 0, offset: at - size };
  const entries = entryRows(list, placeOf, problems);
  const parts = [
    ...(size > 0 ? [`${size} bytes in the inode`] : []),
    ...(node === undefined ? [] : [`${XATTR_NODE_BYTES} bytes in block ${node.address}`]),
  ];
  return newDump({
    title: `Extended attributes, ${countOf(entries.length, 'entry', 'entries')}`,
    place,
    layout: XattrHeader.$name,
    facts: [{ name: 'area', value: parts.join(' and ') }],
    rows: [...headerRows(list), ...entries],
    problems,
  });
}

function headerRows(list: Uint8Array): DumpRow[] {
  if (list.length < XattrHeader.$size) return [];
  return fieldRows(XattrHeader, viewOf(list), 0, {
    cNames: xattrHeaderNames,
    meanings: { magic: (magic) => (magic === XATTR_MAGIC ? 'attributes' : 'no attributes yet') },
    skip: (name) => name === 'reserved',
  });
}

function entryRows(list: Uint8Array, placeOf: (at: number) => CorruptionPlace, problems: FsError[]): DumpRow[] {
  const rows: DumpRow[] = [];
  const view = viewOf(list);
  for (let at = XattrHeader.$size; at + XattrEntry.$size <= list.length && view.getUint32(at, true) !== 0; ) {
    const nameLength = XattrEntry.nameLength.get(view, at);
    const valueSize = XattrEntry.valueSize.get(view, at);
    const nameAt = at + XattrEntry.$size;
    const end = nameAt + nameLength + valueSize;
    if (end > list.length) {
      const expected = `an entry that ends within ${list.length} bytes`;
      problems.push(corrupt('xattrEntry', { where: placeOf(at), expected, found: end }));
      break;
    }
    const index = XattrEntry.nameIndex.get(view, at);
    const name = utf8Decode(list.subarray(nameAt, nameAt + nameLength));
    const value = list.slice(nameAt + nameLength, end);
    const prefix = xattrPrefixes.get(index) ?? `index ${index}: `;
    rows.push({
      offset: at,
      size: end - at,
      type: XattrEntry.$name,
      name: `entries[${rows.length}]`,
      cName: 'f2fs_xattr_entry',
      value,
      meaning: `${JSON.stringify(prefix + name)}, ${countOf(valueSize, 'byte')}: ${previewOf(value)}`,
      note: 'name index, name length, value size, name, value',
    });
    at = (end + 3) & ~3;
  }
  return rows;
}
