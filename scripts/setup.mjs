// npm run setup: installs the workspace's dependencies and builds it, nothing else. Needs Node >= 20.19 and nothing
// installed globally: pnpm is fetched by npx when it is not there yet.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const quiet = process.argv.includes('--quiet');

const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  console.error(`f2fskit needs Node 20.19 or newer; this is ${process.version}.`);
  process.exit(1);
}

const { packageManager } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));
const windows = process.platform === 'win32';
const localPnpm = path.join(root, 'node_modules', '.bin', windows ? 'pnpm.cmd' : 'pnpm');

function run(label, command, args) {
  if (!quiet) console.error(`\n> ${label}`);
  const result = spawnSync(command, args, {
    cwd: root,
    stdio: quiet ? ['ignore', 'pipe', 'pipe'] : 'inherit',
    shell: windows,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
    env: { ...process.env, TURBO_TELEMETRY_DISABLED: '1', DO_NOT_TRACK: '1' },
  });
  if (result.status === 0) return;
  if (quiet) process.stderr.write(`${result.stdout ?? ''}${result.stderr ?? ''}`);
  console.error(`\nsetup: "${label}" failed${result.error ? `: ${result.error.message}` : ''}`);
  process.exit(1);
}

const install = ['install', '--frozen-lockfile', '--prefer-offline'];
if (existsSync(localPnpm)) run('pnpm install', localPnpm, install);
else {
  if (quiet) console.error('Installing and building once (about a minute) …');
  run('pnpm install', windows ? 'npx.cmd' : 'npx', ['--yes', packageManager, ...install]);
}
run('turbo run build', path.join(root, 'node_modules', '.bin', windows ? 'turbo.cmd' : 'turbo'), [
  'run',
  'build',
  '--output-logs=errors-only',
]);
