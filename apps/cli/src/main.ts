// The process around the program.

import v8 from 'node:v8';
import type { Streams } from './output.ts';
import { run } from './program.ts';

// A walk over a large tree makes much that is dropped at once. The engine would answer with a young generation of 48 MiB and
// an old one of three times what lives; small ones are as fast here.
v8.setFlagsFromString('--semi-space-growth-factor=1');
v8.setFlagsFromString('--heap-growing-percent=40');

const exitCodes: Partial<Record<NodeJS.Signals, number>> = { SIGINT: 130, SIGTERM: 143 };
/** Commands that have something to clean up; without one a signal ends the process. */
let onSignal: ((signal: NodeJS.Signals) => void) | undefined;
for (const [signal, code] of Object.entries(exitCodes) as Array<[NodeJS.Signals, number]>) {
  process.on(signal, () => {
    if (onSignal === undefined) process.exit(code);
    onSignal(signal);
  });
}
const { stdout, stderr, stdin } = process;
const streams: Streams = {
  stdout,
  stderr,
  stdin,
  onSignal: (handler: (signal: NodeJS.Signals) => void) => {
    onSignal = handler;
    return () => {
      onSignal = undefined;
    };
  },
};
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(streams.exitCode?.() ?? 0);
  throw error;
});
// Nobody listens to what is said: no reason to die in the middle of a change.
process.stderr.on('error', () => {});

process.exitCode = await run(process.argv.slice(2), streams, process.env);
