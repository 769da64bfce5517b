import { mergeConfig } from 'vitest/config';
import base from '../../vitest.base.ts';
import { bundledPool } from './test/pool-bundle.ts';

// Stand-ins for libraries stay in the module that was given them: each file needs its own.
export default mergeConfig(base, { plugins: [bundledPool()], test: { isolate: true } });
