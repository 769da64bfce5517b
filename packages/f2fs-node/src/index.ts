export { type DnodeRange, locateDnode } from './dnode.ts';
export { FreeNids } from './free-nids.ts';
export { BlockMapping, CLUSTER_BLOCKS_MAX, type MappingKind, mapBlocks } from './map-blocks.ts';
export { MetadataBlocks } from './metadata-blocks.ts';
export { type NatCommit, NodeAddressTable } from './nat.ts';
export { NatBits } from './nat-bits.ts';
export { type CachedBlock, type DecodedInode, type ExpectedNode, NodeStore } from './node-store.ts';
