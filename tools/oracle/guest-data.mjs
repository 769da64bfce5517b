#!/usr/bin/env node
// guest-data.mjs OUT SEED [SCALE] : the file contents that golden volumes are made of, written into OUT.
//   text      words and repeated phrases; compresses well
//   lines     1.2 MB of numbered lines; compresses very well, and is longer than the largest cluster
//   random    bytes without any pattern; does not compress
//   program   what an executable looks like to a compressor: opcodes, address tables, strings, zero padding
//   mixed     pieces of the three and of zeros in turn
// Everything is computed from SEED: nothing is copied from a program or a text that somebody else wrote.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

const [out, seed, scale = '1'] = process.argv.slice(2);
if (out === undefined || !Number.isInteger(Number(seed)) || !(Number(scale) > 0)) {
  process.stderr.write('usage: guest-data.mjs OUT SEED [SCALE]\n');
  process.exit(2);
}

/** A 32-bit generator (splitmix finaliser over a counter): the same SEED gives the same volumes' contents everywhere. */
let state = Number(seed) >>> 0;
function next() {
  state = (state + 0x9e3779b9) >>> 0;
  let z = state;
  z = Math.imul(z ^ (z >>> 16), 0x85ebca6b);
  z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35);
  return (z ^ (z >>> 16)) >>> 0;
}
/** An integer in [from, to]. */
const between = (from, to) => from + (next() % (to - from + 1));
const pick = (list) => list[next() % list.length];
/** Low indexes far more often than high ones, as in real text and real code. */
const pickSkewed = (list) => list[Math.floor(list.length * (next() / 2 ** 32) ** 3)];
const times = (n, make) => Array.from({ length: n }, make);

const word = () => String.fromCharCode(...times(between(2, 10), () => between(97, 122)));
const words = times(400, word);
const phrases = times(100, () => times(between(4, 12), () => pickSkewed(words)).join(' '));

function text(size) {
  const parts = [];
  for (let length = 0; length < size; length += parts.at(-1).length) {
    const body = next() % 3 === 0 ? pick(phrases) : pickSkewed(words);
    parts.push(body + (next() % 11 === 0 ? '\n' : ' '));
  }
  return Buffer.from(parts.join('').slice(0, size));
}

const random = (size) => Buffer.from(times(size, () => next() & 0xff));

const opcodes = times(64, () => random(between(1, 4)));
function program(size) {
  const parts = [];
  let address = 0x400000;
  for (let length = 0; length < size; length += parts.at(-1).length) {
    const kind = next() % 8;
    if (kind < 5) {
      const code = times(between(100, 900), () => {
        const operand =
          next() % 3 === 0 ? [between(0, 255)] : next() % 7 === 0 ? [between(0, 255), between(0, 3), 0, 0] : [];
        return Buffer.concat([pickSkewed(opcodes), Buffer.from(operand)]);
      });
      parts.push(Buffer.concat(code));
    } else if (kind === 5) {
      const table = Buffer.alloc(8 * between(20, 200));
      for (let at = 0; at < table.length; at += 8) table.writeUInt32LE((address += between(1, 40) * 4), at);
      parts.push(table);
    } else if (kind === 6) {
      parts.push(Buffer.from(times(between(20, 120), () => `${pick(words)}_${pickSkewed(words)}\0`).join('')));
    } else {
      parts.push(Buffer.alloc(between(100, 3000)));
    }
  }
  return Buffer.concat(parts).subarray(0, size);
}

function mixed(pieces) {
  const makers = [random, text, program, (size) => Buffer.alloc(size)];
  return Buffer.concat(times(pieces, (_, i) => makers[i % makers.length](between(1000, i % 4 === 0 ? 5000 : 12000))));
}

const size = (bytes) => Math.round(bytes * Number(scale));
writeFileSync(join(out, 'text'), text(size(66_000)));
const lines = times(size(12_000), (_, i) =>
  `${String(i).padStart(8, '0')} ${phrases[i % 7]}`.slice(0, 99).padEnd(99, '.'),
).join('\n');
writeFileSync(join(out, 'lines'), lines);
writeFileSync(join(out, 'random'), random(size(13_000)));
writeFileSync(join(out, 'program'), program(size(26_000)));
writeFileSync(join(out, 'mixed'), mixed(Math.max(4, size(6))));
