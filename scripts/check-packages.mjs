// Every published package is what npm expects: publint and "are the types wrong" are clean, on the packed tarball.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const bin = (name) => path.join(root, 'node_modules', '.bin', name);

/** Folders of the packages that are published, lowest layer first or not: order does not matter. */
export function publishedPackages() {
  return ['packages', 'apps'].flatMap((group) =>
    readdirSync(path.join(root, group))
      .map((name) => path.join(root, group, name))
      .filter((folder) => existsSync(path.join(folder, 'package.json')))
      .filter((folder) => JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8')).private !== true),
  );
}

/** Packs a package as pnpm publishes it; returns the tarball's path. */
export function pack(folder, destination) {
  const result = spawnSync(bin('pnpm'), ['pack', '--pack-destination', destination], { cwd: folder, encoding: 'utf8' });
  if (result.status !== 0) throw new Error(`pnpm pack in ${folder}: ${result.stderr}${result.stdout}`);
  const tarball = result.stdout
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line.endsWith('.tgz'))
    .pop();
  return path.isAbsolute(tarball) ? tarball : path.join(destination, path.basename(tarball));
}

function main() {
  const destination = mkdtempSync(path.join(tmpdir(), 'f2fskit-pack-'));
  let failed = 0;
  let passed = 0;
  try {
    for (const folder of publishedPackages()) {
      const name = path.relative(root, folder);
      const tarball = pack(folder, destination);
      const checks = [
        ['publint', [tarball, '--strict']],
        ['attw', [tarball, '--profile', 'esm-only', '--format', 'ascii']],
      ];
      for (const [tool, args] of checks) {
        const result = spawnSync(bin(tool), args, { cwd: folder, encoding: 'utf8' });
        if (result.status === 0) passed++;
        else {
          failed++;
          console.log(`${tool}: ${name}\n${result.stdout}${result.stderr}`);
        }
      }
    }
  } finally {
    rmSync(destination, { recursive: true, force: true });
  }
  const knip = spawnSync(bin('knip'), [], { cwd: root, encoding: 'utf8' });
  if (knip.status === 0) passed++;
  else {
    failed++;
    console.log(`knip:\n${knip.stdout}${knip.stderr}`);
  }
  console.log(`# pass ${passed}\n# fail ${failed}`);
  process.exit(failed === 0 ? 0 : 1);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) main();
