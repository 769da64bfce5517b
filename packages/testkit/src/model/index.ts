export { type HostAbilities, probeHost } from './host-abilities.ts';
export { HostCalls } from './host-calls.ts';
export { type HostDirectoryOptions, HostDirectoryTarget, needsHostCalls } from './host-directory-target.ts';
export { type LinuxCase, linuxCases, runLinuxCase } from './linux-cases.ts';
export { comparableManifest, type ManifestOptions } from './manifest.ts';
export type { ModelLimits } from './model-errors.ts';
export { ModelFilesystem, type ModelOptions } from './model-filesystem.ts';
export type { DeviceNumber, FileKind, FileTime, ModelStat } from './model-inode.ts';
export { decodeName, encodeName } from './names.ts';
export type {
  AllocationMode,
  FileReference,
  MknodKind,
  OpenFlags,
  OperationTarget,
  Outcome,
  RenameMode,
  XattrMode,
} from './operation-target.ts';
export {
  applyAsTask,
  applyToModel,
  applyToTarget,
  type DataSpec,
  type Difference,
  dataOf,
  describeDifference,
  firstDifference,
  type Operation,
  type OperationName,
  type OperationResult,
  parseProgram,
  printProgram,
} from './operations.ts';
export { operationWeights, type RandomOperationsOptions, randomOperations } from './random-operations.ts';
export { smallerPrograms } from './smaller-programs.ts';
