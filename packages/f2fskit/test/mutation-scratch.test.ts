import { appendFileSync } from 'node:fs';
import { describeMutation, goldenVolumes, loadGolden, Mutator } from '@f2fskit/testkit';
import { test } from 'vitest';
import { brokenDemands, costLimits } from './mutation-demands.ts';
import { examine } from './mutation-examination.ts';
import { costs } from './mutation-meter.ts';

const from = Number(process.env.FROM ?? 0),
  n = Number(process.env.N ?? 20),
  only = process.env.ONLY;
test('measure', () => {
  const max: any = {};
  let fails = 0;
  let opened = 0,
    cases = 0,
    changed = 0,
    tol = 0;
  const kinds: any = {};
  for (const { name } of goldenVolumes()) {
    if (only && !name.match(only)) continue;
    const golden = loadGolden(name);
    const mutator = new Mutator(name, golden.device);
    const good = examine(golden.device.clone());
    const t = performance.now();
    let slow = 0,
      slowest = '';
    for (let seed = from; seed < from + n; seed++) {
      const m = mutator.make(seed);
      appendFileSync('/tmp/mut-current.txt', describeMutation(m) + '\n');
      const t0 = performance.now();
      const seen = examine(mutator.device(m), { focus: m.touched, limits: costLimits(golden.device.size / 4096) });
      const dt = performance.now() - t0;
      if (dt > slow) {
        slow = dt;
        slowest = describeMutation(m);
      }
      cases++;
      if (!seen.refused) opened++;
      if (seen.damage.length !== good.damage.length) changed++;
      if (seen.reachedTwice.length) tol++;
      for (const k of m.kinds) {
        (kinds[k] ??= [0, 0])[0]++;
        if (seen.refused || seen.damage.length !== good.damage.length) kinds[k][1]++;
      }
      const broken = brokenDemands(m, good, seen).filter((b: string) => !b.includes('(acl at'));
      for (const c of costs) if (!(max[c]?.[0] >= seen.counts[c])) max[c] = [seen.counts[c], name + ' ' + seed];
      if (broken.length) {
        fails++;
        console.log(
          'FAIL',
          describeMutation(m),
          '\n   ',
          broken.slice(0, 2).join('\n    ').slice(0, 900),
          broken.length,
        );
      }
    }
    if (0)
      console.log(name, ((performance.now() - t) / n).toFixed(1) + ' ms/case', 'slowest', slow.toFixed(0), slowest);
  }
  console.log({ cases, opened, changed, fails, tol });
  console.log(max);
  console.log(JSON.stringify(kinds));
}, 600000);
