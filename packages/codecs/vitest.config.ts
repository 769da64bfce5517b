import { mergeConfig } from 'vitest/config';
import base from '../../vitest.base.ts';
import { bundledPool } from './test/pool-bundle.ts';

export default mergeConfig(base, { plugins: [bundledPool()] });
