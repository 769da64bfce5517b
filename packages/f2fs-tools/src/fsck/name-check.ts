// Two entries of one name in one directory: lookups find the first, and the other file is lost behind it. Equal names have
// equal hashes, so the pairs (directory, hash) are sorted; only where two are equal are the names themselves read again.

import type { Task } from '@f2fskit/task';
import { bytesEqual } from '@f2fskit/vfs/utf8';
import { NumberList } from './block-sweep.ts';
import type { CheckState } from './check-state.ts';
import { entryName } from './paths.ts';

/** With a hash of 32 bits below it, the number of a directory leaves an exact number. */
const DIRECTORIES = 1 << 21;

interface Name {
  readonly ino: number;
  readonly bytes: Uint8Array;
}

export class NameCheck {
  readonly #directories = new NumberList();
  readonly #hashes = new NumberList();
  readonly #blocks = new NumberList();
  readonly #slots = new NumberList();

  /** An entry: the index of its directory, its hash, and where it is. */
  add(directory: number, hash: number, block: number, slot: number): void {
    this.#directories.push(directory);
    this.#hashes.push(hash);
    this.#blocks.push(block);
    this.#slots.push(slot);
  }

  #key(n: number): number {
    return (this.#directories.at(n) % DIRECTORIES) * 2 ** 32 + this.#hashes.at(n);
  }

  /** Compares the names of equal hashes. */
  *run(state: CheckState): Task<void> {
    const keys = new Float64Array(this.#hashes.length);
    for (let n = 0; n < keys.length; n++) keys[n] = this.#key(n);
    keys.sort();
    const equal = new Set<number>();
    for (let n = 1; n < keys.length; n++) if (keys[n] === keys[n - 1]) equal.add(keys[n]!);
    if (equal.size === 0) return;
    const candidates: number[] = [];
    const blocks: number[] = [];
    for (let n = 0; n < keys.length; n++) {
      if (!equal.has(this.#key(n))) continue;
      candidates.push(n);
      blocks.push(this.#blocks.at(n));
    }
    const names = new Map<number, Name[]>();
    yield* state.sweep.run(blocks, ({ bytes }, block, index) => {
      const n = candidates[index]!;
      const ino = state.inodes.nids[this.#directories.at(n)]!;
      const name = entryName(state, ino, bytes, block, this.#slots.at(n));
      if (name !== undefined) this.#compare(state, names, n, ino, name);
      return undefined;
    });
  }

  #compare({ findings }: CheckState, names: Map<number, Name[]>, n: number, ino: number, bytes: Uint8Array): void {
    const key = this.#key(n);
    const known = names.get(key);
    if (known === undefined) names.set(key, [{ ino, bytes }]);
    // Directories beyond the range share keys, so the directory is part of the name.
    else if (!known.some((other) => other.ino === ino && bytesEqual(other.bytes, bytes))) known.push({ ino, bytes });
    else {
      const place = { area: 'main' as const, block: this.#blocks.at(n), ino, slot: this.#slots.at(n) };
      findings.add('dentryTwice', place);
    }
  }
}
