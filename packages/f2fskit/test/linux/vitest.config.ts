// The ring that boots a real Linux: `pnpm --filter f2fskit test:linux`, as root on Debian.
import { defineConfig } from 'vitest/config';
import base from '../../../../vitest.base.ts';

export default defineConfig({ ...base, test: { ...base.test, include: ['test/linux/**/*.test.ts'] } });
