import { playwright } from '@vitest/browser-playwright';
import { chromium } from 'playwright';
import { mergeConfig } from 'vitest/config';
import { browserConfig } from '../../vitest.browser.base.ts';

// Isolated from other origins, so that memory can be shared with workers.
const headers = { 'Cross-Origin-Opener-Policy': 'same-origin', 'Cross-Origin-Embedder-Policy': 'require-corp' };

export default mergeConfig(browserConfig({ bundled: chromium.executablePath(), provider: playwright }), {
  server: { headers },
});
