// Feature bits of the superblock. The kernel does not refuse bits it does not know; we read such a volume and do not
// write it (decision 10).

import { maskNames, snakeNames } from './mask.ts';

/** Named as `mkfs.f2fs -O` names them, in camel case. */
export const Feature = {
  encrypt: 0x1,
  blkzoned: 0x2,
  atomicWrite: 0x4,
  extraAttr: 0x8,
  projectQuota: 0x10,
  inodeChecksum: 0x20,
  flexibleInlineXattr: 0x40,
  quota: 0x80,
  inodeCrtime: 0x100,
  lostFound: 0x200,
  verity: 0x400,
  sbChecksum: 0x800,
  casefold: 0x1000,
  compression: 0x2000,
  ro: 0x4000,
  deviceAlias: 0x8000,
  packedSsa: 0x1_0000,
} as const;
export type Feature = (typeof Feature)[keyof typeof Feature];

export const featureNotes: Readonly<Record<keyof typeof Feature, string>> = {
  encrypt: 'files may be encrypted: names and contents are ciphertext without the key',
  blkzoned: 'zoned device: zones are written in order, nothing in place',
  atomicWrite: 'no trace on disk',
  extraAttr: 'inodes may have extra attributes',
  projectQuota: 'inodes have a project id; third quota file',
  inodeChecksum: 'inodes with 12 bytes of extra attributes or more carry a checksum',
  flexibleInlineXattr: 'each inode says how many words it keeps for inline xattrs',
  quota: 'hidden quota files',
  inodeCrtime: 'inodes have a creation time',
  lostFound: 'mkfs made a lost+found directory',
  verity: 'files may be sealed with a hash tree beyond their end',
  sbChecksum: 'the superblock carries a checksum',
  casefold: 'directories may compare folded names',
  compression: 'files may be compressed cluster by cluster',
  ro: 'read-only for good: no summaries, two logs',
  deviceAlias: 'a file may stand for a whole device',
  packedSsa: 'blocks above 4 KiB hold several summaries; without effect here',
};

const names = snakeNames(Feature);

/** Every bit that has a name. */
export const KNOWN_FEATURES: number = Object.values(Feature).reduce((mask, bit) => mask | bit, 0);

/** `0x28` → `['extra_attr', 'inode_checksum']`; an unknown bit is shown as `unknown:0x…`. */
export function featureNames(mask: number): string[] {
  return maskNames(names, mask);
}

/** `'extra_attr'` → `0x8`; `undefined` for a name that has no bit. */
export function featureBit(name: string): number | undefined {
  for (const [bit, known] of names) if (known === name) return bit;
  return undefined;
}

/** True when the volume has the feature (one of {@link Feature}). */
export function hasFeature(superblock: { readonly features: number }, feature: number): boolean {
  return (superblock.features & feature) !== 0;
}

/** Features that need extra_attr: without it their fields have no place in the inode. */
export const NEEDS_EXTRA_ATTR: number =
  Feature.projectQuota |
  Feature.inodeChecksum |
  Feature.flexibleInlineXattr |
  Feature.inodeCrtime |
  Feature.compression;

/**
 * Why a volume with these features must not be written, one sentence each; empty when writing is possible. Reading is
 * possible in every case.
 */
export function writeObstacles(mask: number): string[] {
  const obstacles: string[] = [];
  if ((mask & Feature.ro) !== 0) obstacles.push('feature ro: the volume has no summaries and is read-only for good');
  if ((mask & Feature.blkzoned) !== 0)
    obstacles.push('feature blkzoned: zones must be written in order, never in place');
  const unknown = mask & ~KNOWN_FEATURES;
  if (unknown !== 0) obstacles.push(`unknown features ${featureNames(unknown).join(', ')}: their rules are not known`);
  return obstacles;
}
