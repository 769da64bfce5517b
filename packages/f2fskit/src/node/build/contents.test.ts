// What a file of the host holds, whatever happens to it between the listing and the end of reading.

import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { HostContents, PIECE_BYTES } from './contents.ts';
import { HostWalk } from './host-walk.ts';
import type { PlanNode } from './plan.ts';
import { BuildNotes } from './report.ts';
import { Selection } from './selection.ts';

let folder = '';
beforeAll(() => {
  folder = fs.mkdtempSync(path.join(tmpdir(), 'f2fskit-contents-'));
});
afterAll(() => fs.rmSync(folder, { recursive: true, force: true }));

const buffer = Buffer.alloc(PIECE_BYTES);
const bytesOf = (size: number): Buffer => Buffer.from(Uint8Array.from({ length: size }, (_, at) => 1 + (at % 251)));
const hostOf = (name: string): string => path.join(folder, name);

/** Writes a file, and lists it. */
function listed(name: string, contents: Buffer): PlanNode {
  fs.writeFileSync(hostOf(name), contents);
  const walk = new HostWalk(Buffer.from(folder), new Selection(undefined, undefined), new BuildNotes());
  while (walk.next());
  return walk.root.children!.find((node) => Buffer.from(node.name).toString() === name)!;
}

const open = (name: string, node: PlanNode): HostContents => new HostContents(Buffer.from(hostOf(name)), node, buffer);

/** Everything that is left, with zeros for holes; and what `close` says. `between` is called behind the first piece. */
function readAll(
  contents: HostContents,
  between?: () => void,
): { bytes: Buffer; pieces: number; problem: string | undefined } {
  const parts: Array<[position: number, bytes: Buffer]> = [];
  for (let piece = contents.next(); piece !== undefined; piece = contents.next()) {
    parts.push([piece.position, Buffer.from(piece.bytes)]);
    if (parts.length === 1) between?.();
  }
  const bytes = Buffer.alloc(contents.size);
  for (const [position, part] of parts) part.copy(bytes, position);
  return { bytes, pieces: parts.length, problem: contents.close() };
}

const AFTER_LISTING = 'the file changed after it was listed';
const WHILE_READING = 'the file changed while it was read';

describe('a file of the host', () => {
  it.each([0, 1, 4096, 10_000, PIECE_BYTES - 1, PIECE_BYTES, PIECE_BYTES + 1, 3 * PIECE_BYTES])(
    'of %i bytes is read as it is',
    (size) => {
      const node = listed('plain', bytesOf(size));
      const { bytes, pieces, problem } = readAll(open('plain', node));
      expect(bytes.equals(bytesOf(size))).toBe(true);
      expect(pieces).toBe(Math.ceil(size / PIECE_BYTES));
      expect(problem).toBeUndefined();
    },
  );

  it('leaves out blocks of zeros where it has holes', () => {
    const name = 'sparse';
    fs.writeFileSync(hostOf(name), '');
    fs.truncateSync(hostOf(name), 200_000);
    const fd = fs.openSync(hostOf(name), 'r+');
    fs.writeSync(fd, bytesOf(5000), 0, 5000, 81_920);
    fs.closeSync(fd);
    const node: PlanNode = { ...listed('beside', Buffer.alloc(0)), ...lookAt(name), sparse: true };
    const contents = open(name, node);
    const piece = contents.next()!;
    expect([piece.position, piece.bytes.length]).toEqual([81_920, 8192]);
    expect(contents.next()).toBeUndefined();
    expect(contents.size).toBe(200_000);
    expect(contents.close()).toBeUndefined();
  });

  it.each([100, 2 * PIECE_BYTES])('of %i bytes that grew since it was listed is taken as it is now', (size) => {
    const node = listed('grown', bytesOf(size));
    fs.appendFileSync(hostOf('grown'), 'more');
    const { bytes, problem } = readAll(open('grown', node));
    expect(bytes.equals(Buffer.concat([bytesOf(size), Buffer.from('more')]))).toBe(true);
    expect(problem).toBe(AFTER_LISTING);
  });

  it('that became shorter, or was written to in place, since it was listed is told', () => {
    const shorter = listed('shorter', bytesOf(5000));
    fs.truncateSync(hostOf('shorter'), 10);
    expect(readAll(open('shorter', shorter))).toMatchObject({ bytes: bytesOf(10), problem: AFTER_LISTING });
    const other = listed('other', bytesOf(5000));
    fs.writeFileSync(hostOf('other'), Buffer.alloc(5000, 7));
    expect(readAll(open('other', other))).toMatchObject({ bytes: Buffer.alloc(5000, 7), problem: AFTER_LISTING });
  });

  it('of which only the mode changed is as it was', () => {
    const node = listed('mode', bytesOf(5000));
    fs.chmodSync(hostOf('mode'), 0o600);
    expect(readAll(open('mode', node))).toMatchObject({ bytes: bytesOf(5000), problem: undefined });
  });

  it('that changes while it is read is told', () => {
    const node = listed('changing', bytesOf(2 * PIECE_BYTES));
    const { problem } = readAll(open('changing', node), () => fs.appendFileSync(hostOf('changing'), 'more'));
    expect(problem).toBe(WHILE_READING);
  });

  it('that became something else is not taken', () => {
    const node = listed('pipe', bytesOf(10));
    fs.rmSync(hostOf('pipe'));
    execFileSync('mkfifo', [hostOf('pipe')]);
    const contents = open('pipe', node);
    expect(() => contents.next()).toThrow('no regular file any more');
    expect(contents.close()).toBeUndefined();
  });
});

function lookAt(name: string): Pick<PlanNode, 'size' | 'mtime' | 'listedAt'> {
  const { size, mtimeNs, ctimeNs } = fs.statSync(hostOf(name), { bigint: true });
  const mtime = { seconds: Number(mtimeNs / 1_000_000_000n), nanoseconds: Number(mtimeNs % 1_000_000_000n) };
  return { size: Number(size), mtime, listedAt: ctimeNs };
}
