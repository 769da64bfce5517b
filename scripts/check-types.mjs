// The types of everything, in one program, and of what runs without a platform or in a browser by itself. The packages one by
// one, each with its own settings, are `npm run typecheck`: the same, and a minute longer.
import { spawn } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const compiler = path.join(root, 'node_modules', 'typescript', 'bin', 'tsc');

// Two programs at a time, the largest first.
const projects = ['tsconfig.check.json'];
for (const folder of readdirSync(path.join(root, 'packages'))) {
  for (const name of ['tsconfig.core.json', 'tsconfig.web.json']) {
    const project = path.join('packages', folder, name);
    if (existsSync(path.join(root, project))) projects.push(project);
  }
}

/** Resolves with whether the project is free of errors. */
function check(project) {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [compiler, '-p', project], { cwd: root, stdio: 'inherit' });
    child.on('close', (code) => resolve(code === 0));
  });
}

const results = [];
async function work() {
  for (let project = projects.shift(); project !== undefined; project = projects.shift()) {
    results.push(await check(project));
  }
}
await Promise.all([work(), work()]);
process.exitCode = results.every(Boolean) ? 0 : 1;
