// The structure-aware mutator: from a seed, a volume with one to four things wrong with it.
//
//   1. pick a kind of structure, every kind with the same chance, so that rare ones get their share; then one of its
//      places, a field of its layout, a value. One time in eight a whole block: zeros, garbage, another block's content,
//      two blocks exchanged; now and then the end of the volume is cut off
//   2. seven times in ten make every checksum right again, so that the damage gets past them
//   3. say whom the damage may show to: everybody, or some inodes and what is below them
//
// The volume is a clone of the good one that shares all but what was changed. The same volume and seed give the same case.

import { type BlockDevice, type MemoryDevice, PartitionDevice } from '@f2fskit/block';
import { BLOCK_SIZE, CRC_SEED, f2fsCrc, isMainAddress, mainEndAddress } from '@f2fskit/f2fs-format';
import { viewOf } from '@f2fskit/ondisk';
import { type RandomSource, seededRandom } from '@f2fskit/task';
import { loadGolden } from './golden.ts';
import { readImageBlock, writeImageBlock } from './image.ts';
import { pick, pickLeaf, pickValue, readValue, type ValuePool, writeValue } from './mutation-values.ts';
import { NatTable } from './nat-table.ts';
import { sealBlock } from './seal.ts';
import { mapStructures, type Owners, type Place, type StructureKind, type StructureMap } from './structures.ts';
import { buildZoo, ZOO_NAME } from './zoo.ts';

/** One damaged volume. */
export interface MutationCase {
  readonly volume: string;
  readonly seed: number;
  /** One clause for each thing that was done. */
  readonly steps: readonly string[];
  readonly kinds: readonly StructureKind[];
  /** Checksums were made right again. */
  readonly repaired: boolean;
  readonly changed: ReadonlyMap<number, Uint8Array>;
  /** Bytes of the volume; fewer than the good one has when its end was cut off. */
  readonly size: number;
  /** Inodes that may be read differently, themselves or what is below them; `'all'`: everything may. */
  readonly touched: 'all' | ReadonlySet<number>;
}

const BLOCK_CHANCE = 1 / 8;
const TRUNCATE_CHANCE = 1 / 50;
const REPAIR_CHANCE = 0.7;
const SINGLE_CHANCE = 0.7;
const MUTATIONS_MAX = 4;

/** Makes damaged volumes out of one good one. */
export class Mutator {
  readonly volume: string;
  readonly image: MemoryDevice;
  readonly map: StructureMap;
  readonly #kinds: readonly StructureKind[];
  /** From the name: the same seed does something else to another volume. */
  readonly #salt: number;
  readonly #pool: Pick<ValuePool, 'addresses' | 'nids' | 'mainEnd'>;

  /** `image` must be good, and must not change while the mutator or one of its volumes is used. */
  constructor(volume: string, image: MemoryDevice) {
    this.volume = volume;
    this.image = image;
    this.map = mapStructures(image);
    this.#salt = f2fsCrc(CRC_SEED, Buffer.from(volume)) >>> 12; // seeds are safe integers
    this.#kinds = [...this.map.places.keys()];
    this.#pool = {
      addresses: [...this.map.owners.keys()],
      nids: [...this.map.nids.keys()],
      mainEnd: mainEndAddress(this.map.frame.superblock),
    };
  }

  /** The case of a seed. */
  make(seed: number): MutationCase {
    const random = seededRandom(this.#salt * 0x1_0000_0000 + seed);
    const draft = new Draft(this.image);
    const count = random.chance(SINGLE_CHANCE) ? 1 : 2 + random.below(MUTATIONS_MAX - 1);
    for (let index = 0; index < count; index++) {
      if (random.chance(TRUNCATE_CHANCE)) draft.truncate(random);
      else {
        const kind = pick(this.#kinds, random);
        const place = pick(this.map.places.get(kind)!, random);
        draft.kinds.push(kind);
        if (random.chance(BLOCK_CHANCE)) this.#mutateBlock(draft, place, random);
        else this.#mutateField(draft, place, random);
      }
    }
    const repaired = random.chance(REPAIR_CHANCE);
    if (repaired) this.#repair(draft, random);
    return {
      volume: this.volume,
      seed,
      steps: draft.steps,
      kinds: draft.kinds,
      repaired,
      changed: draft.changed,
      size: draft.size,
      touched: this.#touched(draft),
    };
  }

  /** The damaged volume of a case, open for reading. */
  device({ changed, size }: Pick<MutationCase, 'changed' | 'size'>): BlockDevice {
    const device = this.image.clone();
    for (const [address, bytes] of changed) writeImageBlock(device, address, bytes);
    return size < device.size ? new PartitionDevice(device, 0, size) : device;
  }

  #mutateField(draft: Draft, place: Place, random: RandomSource): void {
    const bytes = draft.block(place.block);
    const leaf = pickLeaf(place.layout, viewOf(bytes), place.offset, random);
    const at = place.offset + leaf.offset;
    const before = readValue(bytes, at, leaf.width);
    const ino = place.ino ?? 0;
    const parentIno = this.map.inodes.get(ino)?.parentIno ?? 0;
    const { value, why } = pickValue(before, leaf.width, { ...this.#pool, ino, parentIno }, random);
    writeValue(bytes, at, leaf.width, value);
    const what = `${place.kind} (${place.label}) at block ${place.block}+${place.offset}`;
    draft.steps.push(`${what}: ${leaf.name} 0x${before.toString(16)} -> 0x${value.toString(16)}, ${why}`);
  }

  #mutateBlock(draft: Draft, { kind, block, label }: Place, random: RandomSource): void {
    const bytes = draft.block(block);
    const otherPlace = pick(this.map.places.get(pick(this.#kinds, random))!, random);
    const from = otherPlace.block;
    const what = `${kind} (${label}) block ${block}`;
    switch (random.below(5)) {
      case 0:
        bytes.fill(0);
        draft.steps.push(`${what}: zeros`);
        break;
      case 1:
        for (let at = 0; at < BLOCK_SIZE; at += 4) viewOf(bytes).setUint32(at, random.u32());
        draft.steps.push(`${what}: garbage`);
        break;
      case 2: {
        const at = random.below(BLOCK_SIZE);
        const end = Math.min(BLOCK_SIZE, at + 1 + random.below(64));
        for (let index = at; index < end; index++) bytes[index] = random.below(256);
        draft.steps.push(`${what}: garbage in bytes ${at} to ${end}`);
        break;
      }
      case 3:
        bytes.set(readImageBlock(this.image, from).bytes);
        draft.steps.push(`${what}: content of block ${from} (${otherPlace.kind}, ${otherPlace.label})`);
        break;
      default: {
        const other = draft.block(from);
        const kept = other.slice();
        other.set(bytes);
        bytes.set(kept);
        draft.steps.push(`${what}: exchanged with block ${from} (${otherPlace.kind}, ${otherPlace.label})`);
      }
    }
  }

  /** Checksums of everything that was changed. Half the time the second copy of a changed block gets the change too. */
  #repair(draft: Draft, random: RandomSource): void {
    for (const address of [...draft.changed.keys()]) {
      const seal = this.map.seals.get(address);
      if (seal === undefined) continue;
      if (seal.type === 'checkpoint' && random.chance(0.5)) {
        draft.block(seal.twin).set(draft.block(address));
        draft.steps.push(`block ${seal.twin}: the same`);
      }
      if (seal.type === 'superblock' && random.chance(0.5)) {
        draft.block(1 - address).set(draft.block(address));
        draft.steps.push(`block ${1 - address}: the same`);
      }
    }
    for (const address of draft.changed.keys()) {
      const seal = this.map.seals.get(address);
      if (seal === undefined) continue;
      sealBlock(this.map.frame.superblock, seal, (block) => draft.block(block), address);
    }
  }

  #touched({ changed, size }: Draft): 'all' | Set<number> {
    const touched = new Set<number>();
    const add = (owners: Owners | undefined): boolean => {
      if (owners === 'all') return true;
      for (const ino of owners ?? []) touched.add(ino);
      return false;
    };
    const { superblock } = this.map.frame;
    if (size < superblock.mainAddress * BLOCK_SIZE) return 'all';
    for (const address of changed.keys()) if (add(this.map.owners.get(address))) return 'all';
    if (size < this.image.size) {
      for (const [address, owners] of this.map.owners) {
        const cut = (address + 1) * BLOCK_SIZE > size && isMainAddress(superblock, address);
        if (cut && add(owners)) return 'all';
      }
    }
    return add(this.#natChanges(changed)) ? 'all' : touched;
  }

  /** Owners of the nids that the changed table has at another place. */
  #natChanges(changed: ReadonlyMap<number, Uint8Array>): Owners {
    if (![...changed.keys()].some((address) => this.map.natBlocks.has(address))) return [];
    const image = this.image.clone();
    for (const [address, bytes] of changed) writeImageBlock(image, address, bytes);
    const before = new NatTable(this.image, this.map.frame);
    let after: NatTable;
    try {
      after = new NatTable(image, this.map.frame);
    } catch {
      return 'all'; // the journal cannot be read
    }
    return [...this.map.nids].flatMap(([nid, ino]) => (before.addressOf(nid) === after.addressOf(nid) ? [] : [ino]));
  }
}

/** A case in the making: the blocks that differ from the good volume. */
class Draft {
  readonly changed = new Map<number, Uint8Array>();
  readonly steps: string[] = [];
  readonly kinds: StructureKind[] = [];
  readonly #image: MemoryDevice;
  size: number;

  constructor(image: MemoryDevice) {
    this.#image = image;
    this.size = image.size;
  }

  /** The block, for changing. */
  block(address: number): Uint8Array {
    let bytes = this.changed.get(address);
    if (bytes === undefined) {
      ({ bytes } = readImageBlock(this.#image, address));
      this.changed.set(address, bytes);
    }
    return bytes;
  }

  /** Cuts the end off, at a sector. */
  truncate(random: RandomSource): void {
    this.size = Math.min(this.size, 512 * random.below(this.#image.size / 512));
    this.steps.push(`cut off at byte ${this.size}`);
  }
}

/** One line for people. */
export function describeMutation({ volume, seed, steps, repaired, touched }: MutationCase): string {
  const whom = touched === 'all' ? 'everybody' : `ino ${[...touched].join(', ') || 'none'}`;
  const sums = repaired ? 'checksums made right' : 'checksums left';
  return `${volume} seed ${seed}: ${steps.join('; ')}; ${sums}; may show to ${whom}`;
}

const mutators = new Map<string, Mutator>();

/** The mutator of a golden volume, or of the {@link ZOO_NAME}, made once a process. */
export function mutatorOf(volumeName: string): Mutator {
  let mutator = mutators.get(volumeName);
  if (mutator === undefined) {
    const image = volumeName === ZOO_NAME ? buildZoo() : loadGolden(volumeName).device;
    mutator = new Mutator(volumeName, image);
    mutators.set(volumeName, mutator);
  }
  return mutator;
}

/** The damaged volume that a printed seed stands for, and what is wrong with it. */
export function replay(volumeName: string, seed: number): { mutation: MutationCase; device: BlockDevice } {
  const mutator = mutatorOf(volumeName);
  const mutation = mutator.make(seed);
  return { mutation, device: mutator.device(mutation) };
}
