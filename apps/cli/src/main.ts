// The process around the program.

import { run } from './program.ts';

process.on('SIGINT', () => process.exit(130));
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});

const { stdout, stderr, stdin } = process;
process.exitCode = await run(process.argv.slice(2), { stdout, stderr, stdin }, process.env);
