// What a directory of the host lets its user do, found out by trying: containers take rights from root, old kernels have no
// extended attributes on tmpfs. Who compares the model with Linux leaves out what cannot be done, and says so.

import fs from 'node:fs';
import { fixedClock } from '@f2fskit/task';
import type { HostCalls } from './host-calls.ts';
import { HostDirectoryTarget, needsHostCalls } from './host-directory-target.ts';
import type { ModelLimits } from './model-errors.ts';
import { applyToTarget, type Operation, type OperationResult } from './operations.ts';

export interface HostAbilities {
  filesystem: string;
  /** For a model that is compared with it. */
  limits: Partial<ModelLimits>;
  /** Any owner, any device number, `trusted.` and `security.` attributes. */
  privileged: boolean;
  /** Whether an operation that needs no privileges can be tried at all. */
  can(operation: Operation): boolean;
  /** What cannot be done, in words; empty where everything can. */
  missing: string[];
}

/** Filesystems that the model was compared with, by the number that statfs(2) has for them. */
const FILESYSTEMS = new Map<number, { name: string; limits: Partial<ModelLimits> }>([
  [0x0102_1994, { name: 'tmpfs', limits: {} }],
  [0xef53, { name: 'ext4', limits: { linksMax: 65_000 } }],
]);

const file = '/probe';
const data = { seed: 1, length: 1 };
const setxattr = (name: string): Operation => ({ op: 'setxattr', path: file, name, data, mode: 'set' });
const privilegedOperations: readonly Operation[] = [
  { op: 'chown', path: file, uid: 2 ** 31, gid: 65_536, noFollow: false },
  { op: 'mknod', path: '/device', kind: 'char', mode: 0o600, major: 4095, minor: 1_048_575 },
];

/** Tries a scratch directory in `parent`. `undefined` where the model cannot know what to expect. */
export async function probeHost(parent: string, calls?: HostCalls): Promise<HostAbilities | undefined> {
  if (process.platform !== 'linux' || !fs.existsSync(parent)) return undefined;
  const filesystem = FILESYSTEMS.get(fs.statfsSync(parent).type);
  if (filesystem === undefined) return undefined;
  const target = HostDirectoryTarget.make({ clock: fixedClock(0), parent }, calls);
  const works = async (operation: Operation): Promise<boolean> => isDone(await applyToTarget(target, operation));
  try {
    await applyToTarget(target, { op: 'create', path: file, mode: 0o644 });
    const xattrs = await works(setxattr('user.a'));
    const zeroRange = await works({ op: 'fallocate', file, mode: 'zero', position: 0, length: 1 });
    const whiteout = await works({ op: 'rename', from: file, to: '/moved', mode: 'whiteout' });
    const exchange = await works({ op: 'rename', from: '/moved', to: file, mode: 'exchange' });
    let privileged = true;
    for (const operation of privilegedOperations) {
      if (calls !== undefined || !needsHostCalls(operation)) privileged &&= await works(operation);
    }
    if (xattrs) for (const name of ['trusted.a', 'security.a']) privileged &&= await works(setxattr(name));
    const lacks: Array<[boolean, string]> = [
      [calls === undefined, 'what needs python3'],
      [!privileged, 'what needs root'],
      [calls !== undefined && !xattrs, 'extended attributes'],
      [calls !== undefined && !whiteout, 'whiteouts'],
      [calls !== undefined && !exchange, 'renames with flags'],
    ];
    return {
      filesystem: filesystem.name,
      limits: { ...filesystem.limits, canZeroRange: zeroRange },
      privileged,
      can(operation) {
        if (calls === undefined && needsHostCalls(operation)) return false;
        if (operation.op.endsWith('xattr')) return xattrs;
        if (operation.op !== 'rename' || operation.mode === 'plain') return true;
        return operation.mode === 'whiteout' ? whiteout : exchange;
      },
      missing: lacks.flatMap(([isMissing, words]) => (isMissing ? [words] : [])),
    };
  } finally {
    target.dispose();
  }
}

const isDone = (result: OperationResult): boolean => 'value' in result;
