// Worker threads run files, and Node 20 runs no TypeScript: for tests the pool is bundled from its sources into a folder of the
// system's for temporary files, and started from there.

import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { Plugin } from 'vitest/config';

const poolFolder = fileURLToPath(new URL('../src/pool/node/', import.meta.url));
const conditions = ['@f2fskit/source', 'module', 'node'];

/** Builds `index.js` and `worker.js`, the pool of Node and its worker, `codecs.js`, and a worker for tests into `folder`. */
async function bundlePool(folder: string): Promise<void> {
  // Vite comes with vitest; this package does not depend on it by itself.
  const { resolve } = createRequire(createRequire(import.meta.url).resolve('vitest/package.json'));
  const vite = (await import(pathToFileURL(resolve('vite')).href)) as typeof import('vitest/node').Vite;
  await vite.build({
    configFile: false,
    logLevel: 'error',
    root: poolFolder,
    resolve: { conditions },
    ssr: { noExternal: true, resolve: { conditions } },
    build: {
      ssr: true,
      outDir: folder,
      minify: false,
      rolldownOptions: {
        input: {
          index: path.join(poolFolder, 'index.ts'),
          worker: path.join(poolFolder, 'worker.ts'),
          codecs: path.join(poolFolder, '../../index.ts'),
          'stuck-worker': fileURLToPath(new URL('./stuck-worker.ts', import.meta.url)),
        },
        output: { entryFileNames: '[name].js' },
      },
    },
  });
}

/** For the configuration of tests: pools start their workers from a bundle. Its folder is `F2FSKIT_POOL_BUNDLE` in the tests. */
export function bundledPool(): Plugin {
  const folder = mkdtempSync(path.join(tmpdir(), 'f2fskit-pool-'));
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  process.env['F2FSKIT_POOL_BUNDLE'] = folder;
  let bundled: Promise<void> | undefined;
  const own = "new URL('./worker.js', import.meta.url)";
  return {
    name: 'f2fskit-bundled-pool',
    enforce: 'pre',
    async transform(code, id) {
      if (id !== path.join(poolFolder, 'index.ts')) return undefined;
      if (!code.includes(own)) throw new Error(`the pool of Node does not say ${own}`);
      await (bundled ??= bundlePool(folder));
      return code.replace(own, `new URL(${JSON.stringify(pathToFileURL(path.join(folder, 'worker.js')).href)})`);
    },
  };
}
