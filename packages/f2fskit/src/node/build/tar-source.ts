import type { BuildNotes } from './report.ts';
import type { Selection } from './selection.ts';
import type { Slices } from './slices.ts';
import type { BuildSource } from './source.ts';
export async function openTarSource(
  _i: string | AsyncIterable<Uint8Array>,
  _o: { selection: Selection; notes: BuildNotes; xattrs: boolean },
  _s: Slices,
  _f: (n: number) => void,
): Promise<BuildSource> {
  throw new Error('later');
}
