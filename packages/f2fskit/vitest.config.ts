import { mergeConfig } from 'vitest/config';
import base from '../../vitest.base.ts';
import { bundledPool } from '../codecs/test/pool-bundle.ts';

export default mergeConfig(base, {
  plugins: [bundledPool()],
  test: { exclude: ['test/browser/**', 'test/linux/**'] },
});
