// A directory of the host as the source of a build.

import fs from 'node:fs';
import { HostContents, PIECE_BYTES } from './contents.ts';
import { hostAttributes } from './host-attributes.ts';
import { type HostFileId, HostWalk } from './host-walk.ts';
import { type PlanNode, pathOf } from './plan.ts';
import type { BuildNotes } from './report.ts';
import type { Selection } from './selection.ts';
import type { Slices } from './slices.ts';
import type { BuildSource } from './source.ts';

export interface HostSourceOptions {
  selection: Selection;
  notes: BuildNotes;
  xattrs: boolean;
  /** What is not taken although it lies there. */
  skip: HostFileId | undefined;
  signal: AbortSignal | undefined;
}

/** Lists a directory. Rejects with what the host says about it, and with the reason of the signal. */
export async function openHostSource(
  directory: string,
  { selection, notes, xattrs, skip, signal }: HostSourceOptions,
  slices: Slices,
  found: (entries: number) => void,
): Promise<BuildSource> {
  const real = fs.realpathSync(directory);
  const walk = new HostWalk(Buffer.from(real), selection, notes, skip);
  const attributes = xattrs ? await hostAttributes(real, notes, signal) : undefined;
  try {
    while (walk.next()) {
      found(walk.entries);
      if (slices.over) await slices.turn();
    }
    await attributes?.addTo(walk.root);
  } catch (error) {
    attributes?.cancel();
    throw error;
  }
  const { root } = walk;
  const start = Buffer.from(`${real}/`);
  const buffer = Buffer.alloc(PIECE_BYTES);
  return {
    root,
    open: (node: PlanNode) => new HostContents(Buffer.concat([start, pathOf(node)]), node, buffer),
    close: () => {},
  };
}
