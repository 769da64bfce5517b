// Golden volumes: images that Linux wrote, with what Linux says is in them. Each is a family of files of one name in the
// repository's `fixtures` folder:
//
//   NAME.img.gz     the volume (NAME.img where nobody packed it)
//   NAME.manifest   its manifest, by the Linux guest that wrote it
//   NAME.xattrs     getfattr -R -d -e hex, where attributes were set
//   NAME.cblocks    saved blocks of the compressed files, where there are any
//   NAME.statfs     stat -f of the volume, mounted read-only
//   NAME.…          more answers of that guest, by their ending
//
// F2FSKIT_FIXTURES names more folders, separated like PATH, for volumes that the repository does not carry; theirs are
// called `extra/NAME`. An image is unpacked once a process and kept without its zeros: 128 MiB cost a few MiB.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import type { MemoryDevice } from '@f2fskit/block';
import { assert } from '@f2fskit/errno';
import { sparseDevice } from './image.ts';

const IMAGE = /\.img(\.gz)?$/;
/** The same from `src` and from `dist`. */
const REPOSITORY_FIXTURES = fileURLToPath(new URL('../../../fixtures', import.meta.url));

/** A golden volume that is there; nothing of it has been read. */
export interface GoldenVolume {
  readonly name: string;
  /** The image, compressed or not. */
  readonly imagePath: string;
  /** Its other files, by their ending: `manifest`, `xattrs`, `cblocks`, `txt`, … */
  readonly files: ReadonlyMap<string, string>;
}

/** A golden volume in memory. */
export interface Golden {
  readonly name: string;
  /** The volume, sparse. Never written to: take a `clone()`. */
  readonly device: MemoryDevice;
  /** The whole volume as bytes. Built when asked for and not kept. */
  readonly bytes: Uint8Array;
  readonly manifest: string | undefined;
  readonly xattrs: string | undefined;
  readonly cblocks: string | undefined;
  /** Any other file of the volume by its ending, as text. */
  text(ending: string): string | undefined;
  /** The same as bytes: names on a volume need not be UTF-8. */
  raw(ending: string): Buffer | undefined;
}

/** Every golden volume, by name. */
export function goldenVolumes(folders: readonly string[] = fixtureFolders()): GoldenVolume[] {
  const found = new Map<string, GoldenVolume>();
  for (const folder of folders) {
    if (!existsSync(folder)) continue;
    const files = readdirSync(folder).sort();
    for (const file of files) {
      if (!IMAGE.test(file)) continue;
      const base = file.replace(IMAGE, '');
      const name = folder === REPOSITORY_FIXTURES ? base : `extra/${base}`;
      if (found.has(name)) continue;
      const others = files.filter((other) => other.startsWith(`${base}.`) && other !== file);
      found.set(name, {
        name,
        imagePath: path.join(folder, file),
        files: new Map(others.map((other) => [other.slice(base.length + 1), path.join(folder, other)])),
      });
    }
  }
  return [...found.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** The repository's fixtures, then the folders of F2FSKIT_FIXTURES. */
export function fixtureFolders(): string[] {
  const extra = (process.env['F2FSKIT_FIXTURES'] ?? '').split(path.delimiter).filter((folder) => folder !== '');
  return [REPOSITORY_FIXTURES, ...extra.map((folder) => path.resolve(folder))];
}

const devices = new Map<string, MemoryDevice>();

/** Unpacks a golden volume, or takes it from memory. Fails for a name that {@link goldenVolumes} does not list. */
export function loadGolden(name: string): Golden {
  const volume = goldenVolumes().find((candidate) => candidate.name === name);
  assert(volume !== undefined, `no golden volume is called ${name}`);
  let device = devices.get(volume.imagePath);
  if (device === undefined) {
    const stored = readFileSync(volume.imagePath);
    device = sparseDevice(volume.imagePath.endsWith('.gz') ? gunzipSync(stored) : stored, name);
    devices.set(volume.imagePath, device);
  }
  return goldenOf(volume, device);
}

function goldenOf({ name, files }: GoldenVolume, device: MemoryDevice): Golden {
  const raw = (ending: string): Buffer | undefined => {
    const file = files.get(ending);
    return file === undefined ? undefined : readFileSync(file);
  };
  const text = (ending: string): string | undefined => raw(ending)?.toString('utf8');
  return {
    name,
    device,
    text,
    raw,
    get bytes() {
      return device.toBytes();
    },
    get manifest() {
      return text('manifest');
    },
    get xattrs() {
      return text('xattrs');
    },
    get cblocks() {
      return text('cblocks');
    },
  };
}
