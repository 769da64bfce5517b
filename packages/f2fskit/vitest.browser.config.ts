import { playwright } from '@vitest/browser-playwright';
import { chromium } from 'playwright';
import { browserConfig } from '../../vitest.browser.base.ts';

export default browserConfig({ bundled: chromium.executablePath(), provider: playwright });
