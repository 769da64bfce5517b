// One vitest configuration for every package: sources resolve through the private export condition, so a test run needs
// no build, and a broken dependency is seen by its users at once.
import { defineConfig } from 'vitest/config';

const conditions = ['@f2fskit/source'];

export default defineConfig({
  resolve: { conditions: [...conditions, 'module', 'node', 'development|production'] },
  ssr: {
    resolve: {
      conditions: [...conditions, 'module', 'node', 'development|production'],
      externalConditions: conditions,
    },
  },
  // Tests leave modules as they are, so files share a process: a third of the time was loading them again. Not in the full run, whose
  // larger slices would add up in its memory.
  test: {
    include: ['src/**/*.test.ts', 'test/**/*.test.ts'],
    testTimeout: 60_000,
    pool: 'forks',
    isolate: process.env['F2FSKIT_FULL'] === '1',
  },
});
