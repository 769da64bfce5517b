// Which features a new volume may have: names as `mkfs.f2fs -O` takes them, what follows from them, what is refused.

import { EINVAL, FsError } from '@f2fskit/errno';
import { ExtraAttributes, Feature, featureBit, featureNames, NEEDS_EXTRA_ATTR } from '@f2fskit/f2fs-format';

/** Features that a format can switch on by name. The others belong to devices, other block sizes, or nothing on disk. */
export const FORMAT_FEATURES: number =
  Feature.encrypt |
  Feature.extraAttr |
  Feature.projectQuota |
  Feature.inodeChecksum |
  Feature.flexibleInlineXattr |
  Feature.quota |
  Feature.inodeCrtime |
  Feature.lostFound |
  Feature.verity |
  Feature.sbChecksum |
  Feature.casefold |
  Feature.compression |
  Feature.ro;

/** What `-g android` adds, unless the volume is read-only for good. */
export const ANDROID_FEATURES: number =
  Feature.encrypt | Feature.extraAttr | Feature.projectQuota | Feature.quota | Feature.verity;

/** Which quota files are made: user, group, project. */
export type QuotaTypes = readonly [user: boolean, group: boolean, project: boolean];

/** The features of a new volume. */
export interface FeatureChoice {
  /** Feature bits as the superblock will hold them. */
  readonly features: number;
  readonly quotaTypes: QuotaTypes;
}

/**
 * Chooses the feature bits. `casefold`: an encoding was given.
 *
 * quota by itself means a user and a group file; project_quota means the project file, and the feature quota with it.
 * With android and ro nothing is added or made, whatever was asked for: mkfs.f2fs stops thinking there.
 *
 * @throws FsError EINVAL for a name that is none or cannot be set, and for a feature without extra_attr that needs it.
 */
export function chooseFeatures(names: readonly string[], android: boolean, casefold: boolean): FeatureChoice {
  let features = casefold ? Feature.casefold : 0;
  for (const name of names) {
    const bit = featureBit(name) ?? 0;
    if ((bit & FORMAT_FEATURES) === 0) {
      const known = featureNames(FORMAT_FEATURES).join(', ');
      throw new FsError(EINVAL, `features: '${name}' cannot be set by a format; known are ${known}`);
    }
    features |= bit;
  }
  const bare = android && (features & Feature.ro) !== 0;
  if (android && !bare) features |= ANDROID_FEATURES;
  const homeless = features & NEEDS_EXTRA_ATTR;
  if (homeless !== 0 && (features & Feature.extraAttr) === 0) {
    throw new FsError(EINVAL, `features: ${featureNames(homeless).join(', ')} cannot be without extra_attr`);
  }
  if (bare) return { features, quotaTypes: [false, false, false] };
  const owners = (features & Feature.quota) !== 0;
  const project = (features & Feature.projectQuota) !== 0;
  return { features: features | (project ? Feature.quota : 0), quotaTypes: [owners, owners, project] };
}

/** The last extra attribute that each feature needs, in the order in which they decide. */
const attributeNeeds = [
  [Feature.flexibleInlineXattr, ExtraAttributes.inlineXattrWords],
  [Feature.projectQuota, ExtraAttributes.projectId],
  [Feature.inodeChecksum, ExtraAttributes.checksum],
  [Feature.inodeCrtime, ExtraAttributes.createNanoseconds],
  [Feature.compression, ExtraAttributes.compressFlag],
] as const;

/** Bytes of extra attributes of the inodes that a format makes: as few as the features need; 0 without extra_attr. */
export function extraAttributeBytes(features: number): number {
  if ((features & Feature.extraAttr) === 0) return 0;
  let bytes = ExtraAttributes.inlineXattrWords.offset + ExtraAttributes.inlineXattrWords.size;
  for (const [feature, { offset, size }] of attributeNeeds) {
    if ((features & feature) !== 0) bytes = Math.max(bytes, offset + size);
  }
  return bytes;
}
