// The command as a process of its own, from its sources: what signals do to it cannot be seen from inside. Node 20 loads no
// TypeScript, so the sources become one file first, by the bundler that the test runner brings.

import { type ChildProcess, spawn } from 'node:child_process';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const MAIN = fileURLToPath(new URL('../src/main.ts', import.meta.url));

/** The part of the bundler that is used here. */
interface Bundler {
  build(options: object): Promise<unknown>;
}

/** Makes the command in `folder`; returns its file. */
export async function bundleCli(folder: string): Promise<string> {
  const require = createRequire(import.meta.url);
  const bundler = createRequire(require.resolve('vitest/package.json')).resolve('vite');
  const { build } = (await import(pathToFileURL(bundler).href)) as Bundler;
  const conditions = ['@f2fskit/source', 'module', 'node', 'import'];
  const outDir = path.join(folder, 'dist');
  await build({
    configFile: false,
    logLevel: 'error',
    root: path.dirname(MAIN),
    resolve: { conditions },
    ssr: { noExternal: true, resolve: { conditions } },
    build: { ssr: MAIN, outDir, minify: false, rollupOptions: { output: { entryFileNames: 'main.mjs' } } },
  });
  fs.copyFileSync(new URL('../package.json', import.meta.url), path.join(folder, 'package.json'));
  return path.join(outDir, 'main.mjs');
}

export interface Spawned {
  child: ChildProcess;
  /** The exit code, or the signal that ended it; and what it said. */
  ended: Promise<{ code: number | null; signal: NodeJS.Signals | null; stdout: string; stderr: string }>;
}

/** Runs a command line with what {@link bundleCli} has made. */
export function spawnCli(main: string, args: string[], stdin: 'ignore' | 'pipe' = 'ignore'): Spawned {
  const child = spawn(process.execPath, [main, ...args], { stdio: [stdin, 'pipe', 'pipe'] });
  const text = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name]!.on('data', (data: Buffer) => {
      text[name] += data.toString();
    });
  }
  const ended = new Promise<Awaited<Spawned['ended']>>((resolve) => {
    child.on('close', (code, signal) => resolve({ code, signal, ...text }));
  });
  return { child, ended };
}
