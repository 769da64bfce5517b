export { type Adversary, adversaries, INNOCENT_CONTENT, INNOCENT_NAME } from './adversaries.ts';
export { type BigFile, writeBigFile } from './big-file.ts';
export { fixtureFolders, type Golden, type GoldenVolume, goldenVolumes, loadGolden } from './golden.ts';
export { type ImageBlock, readImageBlock, sparseDevice, writeImageBlock, writeImageFile } from './image.ts';
export { describeMutation, type MutationCase, Mutator, mutatorOf, replay } from './mutate.ts';
export { NatTable } from './nat-table.ts';
export {
  type EncoderJob,
  type Encoding,
  eventLoopTurn,
  type InlineEncoding,
  microtaskTurn,
  type OverlapOptions,
  OverlappingEncoder,
} from './overlapping-encoder.ts';
export {
  type KnownInode,
  mapStructures,
  type Owners,
  type Place,
  type Seal,
  type StructureKind,
  type StructureMap,
  structureKinds,
} from './structures.ts';
export { type BuiltEntry, type BuiltInode, VolumeBuilder } from './volume-builder.ts';
export { buildZoo, ZOO_NAME } from './zoo.ts';
