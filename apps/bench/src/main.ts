// The benches: counts first, then times as ratios within one run. `--small` is the mode that the tests run: few rounds,
// same counts. A count that differs from what it must be ends the run with exit code 1; a time never does.

import { buildBench } from './build.ts';
import { cacheBench } from './cache.ts';
import { checkBench } from './check.ts';
import { codecBench } from './codecs.ts';
import { compressedWriteBench } from './compressed-write.ts';
import { extractBench } from './extract.ts';
import { layoutBench } from './layouts.ts';
import { memoryBench } from './memory.ts';
import { openBench } from './open.ts';
import { readBench } from './read.ts';
import { report } from './report.ts';
import { writeBench } from './write.ts';

const small = process.argv.includes('--small');
const rounds = small ? 1 : 7;

console.log(`${small ? 'small mode: counts matter, times are only shown' : `${rounds} rounds each, medians`}\n`);
const results = [
  openBench(),
  readBench(rounds),
  cacheBench(rounds),
  writeBench(rounds),
  await compressedWriteBench(rounds),
  codecBench(rounds),
  layoutBench(rounds),
  await extractBench(small ? 1 : 3, small),
  memoryBench(small),
  buildBench(small ? 1 : 3, small),
  checkBench(small ? 1 : 5, small),
];
process.exitCode = report(results) ? 0 : 1;
