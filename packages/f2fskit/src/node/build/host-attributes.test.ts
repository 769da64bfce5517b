// What `getfattr --dump` prints, read onto a plan.

import { describe, expect, it } from 'vitest';
import { AttributeDump, childOf } from './host-attributes.ts';
import { type PlanNode, planNode, sortChildren } from './plan.ts';

const attributes = {
  mode: 0,
  uid: 0,
  gid: 0,
  atime: { seconds: 0, nanoseconds: 0 },
  mtime: { seconds: 0, nanoseconds: 0 },
};

function planOf(...names: Uint8Array[]): PlanNode {
  const root = planNode('directory', new Uint8Array(0), undefined, attributes);
  const below = planNode('directory', Buffer.from('d'), root, attributes);
  root.children!.push(below, ...names.map((name) => planNode('file', name, root, attributes)));
  below.children!.push(...names.map((name) => planNode('file', name, below, attributes)));
  sortChildren(root);
  sortChildren(below);
  return root;
}

const shown = (node: PlanNode | undefined): string[] | undefined =>
  node?.xattrs.map(
    ({ name, value }) => `${Buffer.from(name).toString('latin1')}=${Buffer.from(value).toString('hex')}`,
  );

describe('AttributeDump', () => {
  it('finds files by their bytes, and orders attributes', () => {
    const strange = Buffer.from('h\xe9=\\\n x', 'latin1');
    const root = planOf(strange, Buffer.from('plain'));
    const dump = new AttributeDump(root);
    const text =
      '# file: .\nuser.root=0sAP8=\n\n# file: h\xe9=\\134\\012 x\nuser.b=0sYg==\nuser.a\\075\\134=0s\nuser.nothing\n\n' +
      '# file: d/plain\nsecurity.x=0sQQ==\n\n# file: gone\nuser.x=0sQQ==\n\n# file: d/plain/below\nuser.x=0sQQ==';
    for (const line of text.split('\n')) dump.take(line);
    dump.finish();
    expect(shown(root)).toEqual(['user.root=00ff']);
    expect(shown(childOf(root, strange))).toEqual(['user.a=\\=', 'user.b=62', 'user.nothing=']);
    expect(shown(childOf(childOf(root, Buffer.from('d'))!, Buffer.from('plain')))).toEqual(['security.x=41']);
    expect(shown(childOf(root, Buffer.from('plain')))).toEqual([]);
    expect(childOf(root, Buffer.from('absent'))).toBeUndefined();
  });
});
