export { fixtureFolders, type Golden, type GoldenVolume, goldenVolumes, loadGolden } from './golden.ts';
export { type ImageBlock, readImageBlock, sparseDevice, writeImageBlock } from './image.ts';
export { describeMutation, type MutationCase, Mutator, mutatorOf, replay } from './mutate.ts';
export { NatTable } from './nat-table.ts';
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
