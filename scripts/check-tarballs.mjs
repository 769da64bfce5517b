// What a user gets: every package is packed, installed from its tarball into an empty project outside the workspace,
// imported by plain Node and type-checked by a program that uses it. Resolution must find `dist`, never `src`.
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { pack, publishedPackages } from './check-packages.mjs';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const project = mkdtempSync(path.join(tmpdir(), 'f2fskit-scratch-'));
let passed = 0;
let failed = 0;

function check(what, command, args) {
  const result = spawnSync(command, args, {
    cwd: project,
    encoding: 'utf8',
    env: { ...process.env, NODE_OPTIONS: '' },
  });
  if (result.status === 0) passed++;
  else {
    failed++;
    console.log(`${what} failed:\n${result.stdout}${result.stderr}`);
  }
  return result.stdout ?? '';
}

try {
  const tarballs = path.join(project, 'tarballs');
  mkdirSync(tarballs);
  const dependencies = {};
  const entries = [];
  for (const folder of publishedPackages()) {
    const manifest = JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8'));
    dependencies[manifest.name] = `file:${pack(folder, tarballs)}`;
    for (const entry of Object.keys(manifest.publishConfig?.exports ?? manifest.exports ?? {})) {
      if (entry !== './package.json') entries.push(path.posix.join(manifest.name, entry));
    }
  }
  const typescript = JSON.parse(readFileSync(path.join(root, 'node_modules/typescript/package.json'), 'utf8')).version;
  const nodeTypes = JSON.parse(readFileSync(path.join(root, 'node_modules/@types/node/package.json'), 'utf8')).version;
  writeFileSync(
    path.join(project, 'package.json'),
    JSON.stringify({
      name: 'scratch',
      private: true,
      type: 'module',
      dependencies,
      overrides: dependencies,
      devDependencies: { typescript, '@types/node': nodeTypes },
    }),
  );
  check('npm install of the tarballs', 'npm', ['install', '--no-audit', '--no-fund', '--loglevel=error']);

  writeFileSync(
    path.join(project, 'import.mjs'),
    `${entries.map((entry, index) => `import * as m${index} from '${entry}';`).join('\n')}
const modules = [${entries.map((_, index) => `m${index}`).join(', ')}];
for (const module of modules) if (Object.keys(module).length === 0) throw new Error('an entry exports nothing');
for (const entry of ${JSON.stringify(entries)}) {
  const url = import.meta.resolve(entry);
  if (!url.includes('/dist/')) throw new Error(entry + ' resolves to ' + url);
}
`,
  );
  check('importing every entry', process.execPath, ['import.mjs']);

  const fixture = path.join(root, 'fixtures', 'plain.img.gz');
  copyFileSync(fixture, path.join(project, 'plain.img.gz'));
  writeFileSync(
    path.join(project, 'use.ts'),
    `import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { openVolume, FsError, type Stats } from 'f2fskit';
${entries.map((entry, index) => `import * as m${index} from '${entry}';`).join('\n')}
const volume = await openVolume(gunzipSync(readFileSync('plain.img.gz')));
const stats: Stats = await volume.promises.stat('/d');
const names: string[] = await volume.promises.readdir('/d');
try {
  volume.readFileSync('/absent');
} catch (error) {
  if (!(error instanceof FsError) || error.code !== 'ENOENT') throw error;
}
console.log(stats.isDirectory() ? 'directory' : 'something else', names.includes('text'), [${entries.map((_, index) => `m${index}`).join(', ')}].length);
await volume.close();
`,
  );
  writeFileSync(
    path.join(project, 'tsconfig.json'),
    JSON.stringify({
      compilerOptions: {
        target: 'ES2022',
        lib: ['ES2023', 'ESNext.Disposable'],
        module: 'NodeNext',
        strict: true,
        types: ['node'],
        outDir: 'out',
        exactOptionalPropertyTypes: true,
      },
      files: ['use.ts'],
    }),
  );
  check('type-checking a program', path.join(project, 'node_modules/.bin/tsc'), ['-p', '.']);
  const printed = check('running it', process.execPath, ['out/use.js']);
  if (printed.startsWith('directory true')) passed++;
  else {
    failed++;
    console.log(`the program printed: ${printed}`);
  }

  // The command is a bundle, and its worker a file of it.
  const command = path.join(project, 'node_modules/.bin/f2fs');
  const compressed = ['--compress', 'lz4', '--workers', '1', '--quiet'];
  check('building with the command', command, ['build', 'node_modules/typescript/lib', 'built.img', ...compressed]);
  check('checking what it built', command, ['fsck', 'built.img']);
} finally {
  rmSync(project, { recursive: true, force: true });
}
console.log(`# pass ${passed}\n# fail ${failed}`);
process.exit(failed === 0 ? 0 : 1);
