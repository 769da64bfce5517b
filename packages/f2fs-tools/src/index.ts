export { type Area, type AreaKind, addressMeaning, areaOf } from './dump/areas.ts';
export { dumpBlock, ownerText } from './dump/block.ts';
export { dumpCheckpoint } from './dump/checkpoint.ts';
export { dumpCluster } from './dump/cluster.ts';
export { DentryDumps } from './dump/dentries.ts';
export { dumpDnode } from './dump/dnode.ts';
export {
  allProblems,
  type Dump,
  type DumpFact,
  type DumpPlace,
  type DumpRow,
  type DumpValue,
  type Meaning,
} from './dump/dump.ts';
export { dumpInode } from './dump/inode.ts';
export type { TableSource } from './dump/journals.ts';
export { DUMP_SCHEMA, dumpJson, type JsonValue } from './dump/json.ts';
export { dumpNat, type NatLine, NatRange } from './dump/nat.ts';
export { type BlockOwner, blockOwner } from './dump/owner.ts';
export { dumpSit, type SitLine, SitRange } from './dump/sit.ts';
export { dumpSsa } from './dump/ssa.ts';
export type { SummaryLine } from './dump/summary.ts';
export { type DumpSource, dumpSuperblock } from './dump/superblock.ts';
export { hexLines, meaningText, type TableLine, type TableOptions, tableLines } from './dump/table.ts';
export * from './fsck/index.ts';
export * from './mkfs/index.ts';
