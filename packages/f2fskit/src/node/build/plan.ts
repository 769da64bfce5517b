// What is going to be on the volume: a tree, complete before anything is written. Names in a directory are in byte order,
// whatever order the source lists them in, so that the same tree gives the same volume.

import { type Attributes, compareBytes, type ExtendedAttribute, joinBytes, utf8Encode } from '@f2fskit/vfs';

/** All names of one file. The first that the writer comes to makes the file, the others are links to it. */
export interface LinkGroup {
  /** Names in the plan. */
  names: number;
}

/** Where the content of a file lies in an archive. */
export interface StoredContent {
  /** Of its first stored byte in the archive. */
  offset: number;
  /** Runs of data [position, length] in the file, stored one behind the other; absent: the whole file. */
  runs?: ReadonlyArray<readonly [position: number, length: number]>;
}

/** A file of any kind. */
export interface PlanNode extends Pick<Attributes, 'kind' | 'uid' | 'gid' | 'atime' | 'mtime'> {
  /** Of the root empty. */
  name: Uint8Array;
  parent: PlanNode | undefined;
  /** Permission bits. */
  mode: number;
  /** Bytes of a regular file. */
  size: number;
  /** Bytes of its content that are no holes, as far as is known: at least those. */
  dataBytes: number;
  /** Blocks of zeros are holes. */
  sparse: boolean;
  /** Of a file of the host: its time of change when it was listed, in nanoseconds. */
  listedAt: bigint | undefined;
  /** Of a symlink. */
  target: Uint8Array | undefined;
  /** Of a device. */
  major: number;
  minor: number;
  xattrs: readonly ExtendedAttribute[];
  /** Of a directory, in byte order once the plan is complete. */
  children: PlanNode[] | undefined;
  links: LinkGroup | undefined;
  stored: StoredContent | undefined;
}

export const NO_XATTRS: readonly ExtendedAttribute[] = [];
const SLASH = utf8Encode('/');

/** A file with nothing in it; the source fills in the rest. */
export function planNode(
  kind: PlanNode['kind'],
  name: Uint8Array,
  parent: PlanNode | undefined,
  { mode, uid, gid, atime, mtime }: Pick<PlanNode, 'mode' | 'uid' | 'gid' | 'atime' | 'mtime'>,
): PlanNode {
  return {
    kind,
    name,
    parent,
    mode,
    uid,
    gid,
    atime,
    mtime,
    size: 0,
    dataBytes: 0,
    sparse: false,
    listedAt: undefined,
    target: undefined,
    major: 0,
    minor: 0,
    xattrs: NO_XATTRS,
    children: kind === 'directory' ? [] : undefined,
    links: undefined,
    stored: undefined,
  };
}

/** Without a slash before it; the root is empty. */
export function pathOf(node: PlanNode): Uint8Array {
  const parts: Uint8Array[] = [];
  for (let at = node; at.parent !== undefined; at = at.parent) parts.push(at.name, SLASH);
  parts.pop();
  return joinBytes(...parts.reverse());
}

export function sortChildren(node: PlanNode): void {
  node.children?.sort((a, b) => compareBytes(a.name, b.name));
}

/** Every node in the order in which it is written: a directory before what is in it. */
export function* planNodes(root: PlanNode): Generator<PlanNode, void, void> {
  yield root;
  const stack: Array<{ children: readonly PlanNode[]; next: number }> = [{ children: root.children ?? [], next: 0 }];
  for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
    const node = top.children[top.next++];
    if (node === undefined) stack.pop();
    else {
      yield node;
      if (node.children !== undefined) stack.push({ children: node.children, next: 0 });
    }
  }
}

/** How much there is to write. */
export interface PlanTotals {
  entries: number;
  bytes: number;
}

export function planTotals(root: PlanNode): PlanTotals {
  const totals = { entries: 0, bytes: 0 };
  const seen = new Set<LinkGroup>();
  for (const node of planNodes(root)) {
    totals.entries++;
    if (node.links !== undefined) {
      if (seen.has(node.links)) continue;
      seen.add(node.links);
    }
    totals.bytes += node.dataBytes;
  }
  return totals;
}
