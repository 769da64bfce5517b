#!/usr/bin/env node
// The launcher: committed, so that installing links it before anything is built.
import { existsSync } from 'node:fs';
import module from 'node:module';
import path from 'node:path';

const main = new URL('../dist/main.js', import.meta.url);
if (!existsSync(main)) {
  console.error('f2fs is not built yet: run `npm run setup` in the repository first.');
  process.exit(1);
}
// From Node 22.1 on what was compiled is kept for the next run: in the person's own cache, because compiled code in a folder
// that is everybody's could be anybody's.
const { HOME, XDG_CACHE_HOME } = process.env;
const caches = XDG_CACHE_HOME || (HOME && path.join(HOME, '.cache'));
if (caches) module.enableCompileCache?.(path.join(caches, 'f2fskit'));
await import(main.href);
