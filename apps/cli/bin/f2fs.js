#!/usr/bin/env node
// The launcher: committed, so that installing links it before anything is built.
import { existsSync } from 'node:fs';

const main = new URL('../dist/main.js', import.meta.url);
if (!existsSync(main)) {
  console.error('f2fs is not built yet: run `npm run setup` in the repository first.');
  process.exit(1);
}
await import(main.href);
