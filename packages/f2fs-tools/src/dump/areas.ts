// Which part of a volume a block address is in, and how an address reads: relative to its area.
//
//   | superblocks | gap | checkpoint packs | SIT | NAT | SSA | main area | rest |

import {
  COMPRESS_ADDRESS,
  isMainAddress,
  mainEndAddress,
  NAT_ENTRIES_PER_BLOCK,
  NEW_ADDRESS,
  NULL_ADDRESS,
  SEGMENT_BLOCKS,
  SIT_ENTRIES_PER_BLOCK,
  SUPER_COPIES,
  type Superblock,
  segmentOf,
  segmentOffsetOf,
} from '@f2fskit/f2fs-format';
import { rangeOf } from './phrases.ts';

export type AreaKind = 'superblock' | 'gap' | 'checkpoint' | 'sit' | 'nat' | 'ssa' | 'main' | 'rest' | 'outside';

/** The area of a block, and its place there in words. */
export interface Area {
  readonly kind: AreaKind;
  readonly text: string;
}

/** The area of block `address`. Copies and packs count from 1, as people do. */
export function areaOf(superblock: Superblock, address: number): Area {
  const { checkpointAddress, sitAddress, natAddress, ssaAddress, mainAddress, blockCount } = superblock;
  if (address < SUPER_COPIES) return { kind: 'superblock', text: `superblock copy ${address + 1}` };
  if (address < checkpointAddress) return { kind: 'gap', text: 'before the first segment, unused' };
  if (address < sitAddress) {
    const index = address - checkpointAddress;
    const pack = Math.floor(index / SEGMENT_BLOCKS) + 1;
    return { kind: 'checkpoint', text: `checkpoint pack ${pack}, block ${index % SEGMENT_BLOCKS}` };
  }
  if (address < natAddress) return { kind: 'sit', text: sitText(superblock, address - sitAddress) };
  if (address < ssaAddress) return { kind: 'nat', text: natText(address - natAddress) };
  if (address < mainAddress) return { kind: 'ssa', text: `SSA block of segment ${address - ssaAddress}` };
  if (address < mainEndAddress(superblock)) return { kind: 'main', text: mainText(superblock, address) };
  if (address < blockCount) return { kind: 'rest', text: 'behind the main area, unused' };
  return { kind: 'outside', text: 'outside the volume' };
}

function sitText({ segmentCountSit }: Superblock, index: number): string {
  const copyBlocks = (segmentCountSit / 2) * SEGMENT_BLOCKS;
  const copy = index < copyBlocks ? 1 : 2;
  const block = index % copyBlocks;
  return `SIT block ${block}, copy ${copy}, segments ${rangeOf(block * SIT_ENTRIES_PER_BLOCK, SIT_ENTRIES_PER_BLOCK)}`;
}

/** The two copies of the NAT alternate by segment. */
function natText(index: number): string {
  const pair = Math.floor(index / (2 * SEGMENT_BLOCKS));
  const inPair = index % (2 * SEGMENT_BLOCKS);
  const copy = inPair < SEGMENT_BLOCKS ? 1 : 2;
  const block = pair * SEGMENT_BLOCKS + (inPair % SEGMENT_BLOCKS);
  return `NAT block ${block}, copy ${copy}, nids ${rangeOf(block * NAT_ENTRIES_PER_BLOCK, NAT_ENTRIES_PER_BLOCK)}`;
}

function mainText(superblock: Superblock, address: number): string {
  return `segment ${segmentOf(superblock, address)}, block ${segmentOffsetOf(superblock, address)}`;
}

/** What a stored address of a node or data block says. */
export function addressMeaning(superblock: Superblock, address: number): string {
  if (address === NULL_ADDRESS) return 'none';
  if (address === NEW_ADDRESS) return 'reserved';
  if (address === COMPRESS_ADDRESS) return 'head of a compressed cluster';
  if (isMainAddress(superblock, address)) return mainText(superblock, address);
  return `not in the main area: ${areaOf(superblock, address).text}`;
}
