// One configuration for the tests that need a browser, `test/browser/**/*.browser.test.ts` of a package. They run in a
// headless Chromium:
//
//   F2FSKIT_CHROMIUM, else chromium, chromium-browser or google-chrome on PATH, else the one that playwright downloaded
//
// Where none of them is there, the run says so and passes without a test.

import { accessSync, constants, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { defineConfig, type ViteUserConfig } from 'vitest/config';
import type { BrowserProviderOption } from 'vitest/node';

const conditions = ['@f2fskit/source'];
const NAMES = ['chromium', 'chromium-browser', 'google-chrome'];

export interface BrowserTools {
  /** Path of the Chromium that playwright would download; it need not exist. */
  bundled: string;
  /** `playwright` of @vitest/browser-playwright. */
  provider(options: {
    launchOptions: { executablePath: string; args: string[] };
    persistentContext: string;
  }): BrowserProviderOption;
}

/** The configuration of a package's browser tests; the tools come from the package, which depends on them. */
export function browserConfig({ bundled, provider }: BrowserTools): ViteUserConfig {
  const executablePath = findChromium(bundled);
  if (executablePath === undefined) {
    console.log('skip tests in a browser: install the package chromium, or name one in F2FSKIT_CHROMIUM');
    return defineConfig({ test: { include: [], passWithNoTests: true } });
  }
  // Without a profile on disk OPFS is in memory, and a sparse file as large as it looks.
  const profile = mkdtempSync(path.join(tmpdir(), 'f2fskit-chromium-'));
  process.on('exit', () => rmSync(profile, { recursive: true, force: true }));
  // Root in a container has no sandbox of Chromium's kind; the pages are our own.
  const launchOptions = { executablePath, args: ['--no-sandbox'] };
  return defineConfig({
    resolve: { conditions: [...conditions, 'module', 'browser', 'development|production'] },
    // What is found late would be bundled late, and the page loaded again in the middle of a test.
    optimizeDeps: { noDiscovery: true },
    test: {
      include: ['test/browser/**/*.browser.test.ts'],
      testTimeout: 60_000,
      fileParallelism: false,
      browser: {
        enabled: true,
        headless: true,
        screenshotFailures: false,
        provider: provider({ launchOptions, persistentContext: profile }),
        instances: [{ browser: 'chromium' }],
      },
    },
  });
}

function findChromium(bundled: string): string | undefined {
  const named = process.env['F2FSKIT_CHROMIUM'];
  if (named !== undefined && named !== '') return named;
  const folders = (process.env['PATH'] ?? '').split(path.delimiter).filter((folder) => folder !== '');
  const candidates = NAMES.flatMap((name) => folders.map((folder) => path.join(folder, name)));
  return candidates.find(isProgram) ?? (existsSync(bundled) ? bundled : undefined);
}

function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
