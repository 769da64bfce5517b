// What a command loads before it begins: most of the time of a small run. Counted on the sources: every import but those of
// types and those that are made when they are wanted.

import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../../../', import.meta.url));
/** Group 1: the specifier. */
const staticImport = /^(?:import|export)\s+(?!type\b)(?:[^'";]*?\bfrom\s+)?'([^']+)'/gm;

/** Package → specifier behind its name (`.`, `./node`) → source. */
const sources = new Map<string, Map<string, string>>();
for (const name of fs.readdirSync(path.join(root, 'packages'))) {
  const folder = path.join(root, 'packages', name);
  const manifest = path.join(folder, 'package.json');
  if (!fs.existsSync(manifest)) continue;
  const { name: full, exports } = JSON.parse(fs.readFileSync(manifest, 'utf8')) as {
    name: string;
    exports: Record<string, string | { '@f2fskit/source'?: string }>;
  };
  const entries = new Map<string, string>();
  for (const [key, entry] of Object.entries(exports)) {
    const source = typeof entry === 'string' ? undefined : entry['@f2fskit/source'];
    if (source !== undefined) entries.set(key, path.join(folder, source));
  }
  sources.set(full, entries);
}

/** The source of a module of ours; `undefined` for one of Node or of somebody else. */
function sourceOf(specifier: string, from: string): string | undefined {
  if (specifier.startsWith('.')) return path.resolve(path.dirname(from), specifier);
  const name = specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
  const entries = sources.get(name);
  if (entries === undefined) return undefined;
  const source = entries.get(`.${specifier.slice(name.length)}`);
  if (source === undefined) throw new Error(`${from}: no source for ${specifier}`);
  return source;
}

/** The modules that loading these of apps/cli loads, as paths in the repository. */
function loadedWith(...files: string[]): string[] {
  const loaded = new Set(files.map((file) => path.join(root, 'apps/cli/src', file)));
  for (const file of loaded) {
    for (const [, specifier] of fs.readFileSync(file, 'utf8').matchAll(staticImport)) {
      const source = sourceOf(specifier!, file);
      if (source !== undefined) loaded.add(source);
    }
  }
  return [...loaded].map((file) => path.relative(root, file)).sort();
}

/** The first folders of their paths: `packages/f2fs`, `packages/f2fs-tools/src/fsck`. */
function foldersOf(modules: readonly string[], depth: number): Set<string> {
  return new Set(modules.map((file) => file.split('/').slice(0, depth).join('/')));
}

describe('modules that are loaded', () => {
  it('the program alone: nothing to mount with', () => {
    const loaded = loadedWith('main.ts');
    expect(loaded).toContain('packages/f2fskit/src/node/open-image.ts');
    expect(loaded).not.toContain('packages/f2fskit/src/node/index.ts');
    const packages = foldersOf(loaded, 2);
    for (const unwanted of ['f2fs', 'f2fs-tools', 'node-fs', 'codecs', 'pagecache', 'writeback']) {
      expect(packages).not.toContain(`packages/${unwanted}`);
    }
  });

  it('fsck: nothing to mount with, none of the other tools', () => {
    const loaded = loadedWith('main.ts', 'commands/fsck.ts');
    expect(loaded).toContain('packages/f2fs-tools/src/fsck/check-volume.ts');
    const packages = foldersOf(loaded, 2);
    for (const unwanted of ['node-fs', 'codecs', 'pagecache', 'writeback', 'f2fs-node']) {
      expect(packages).not.toContain(`packages/${unwanted}`);
    }
    const parts = foldersOf(loaded, 4);
    for (const unwanted of ['dump', 'mkfs']) expect(parts).not.toContain(`packages/f2fs-tools/src/${unwanted}`);
    for (const whole of ['f2fskit/src/node', 'f2fs/src', 'vfs/src']) {
      expect(loaded).not.toContain(`packages/${whole}/index.ts`);
    }
    expect(loaded.length).toBeLessThan(150);
  });

  it('mkfs: neither the checker nor what opens a volume', () => {
    const loaded = loadedWith('main.ts', 'commands/mkfs.ts');
    expect(loaded).toContain('packages/f2fs-tools/src/mkfs/format-volume.ts');
    const packages = foldersOf(loaded, 2);
    for (const unwanted of ['node-fs', 'codecs', 'f2fs']) expect(packages).not.toContain(`packages/${unwanted}`);
    expect(foldersOf(loaded, 4)).not.toContain('packages/f2fs-tools/src/fsck');
  });

  it('what changes a volume is loaded by the commands that do', () => {
    expect(loadedWith('main.ts', 'commands/ls.ts')).not.toContain('apps/cli/src/edit.ts');
  });
});
