import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { MemoryDevice, StatisticsDevice } from '@f2fskit/block';
import { f2fsCrc } from '@f2fskit/f2fs-format';
import { Manifest, openVolumeSync } from 'f2fskit';
import { test } from 'vitest';

const dir = '/work/shared/fixtures/';
test('measure', () => {
  for (const f of readdirSync(dir).filter((n) => n.endsWith('.img.gz'))) {
    let t = performance.now();
    const bytes = gunzipSync(readFileSync(dir + f));
    const tg = performance.now() - t;
    t = performance.now();
    const base = new MemoryDevice(bytes.length);
    const chunks = 0;
    const zero = new Uint8Array(65536);
    const full = MemoryDevice.from(bytes);
    const ts = performance.now() - t;
    const res: string[] = [];
    for (const mode of ['crc', 'crc', 'sha']) {
      t = performance.now();
      const stat = new StatisticsDevice(full.clone());
      const v = openVolumeSync(stat);
      const open = stat.snapshot().read.bios;
      const m = v.scheduler.runSync(
        Manifest.open(v, '/', {
          createHash:
            mode === 'crc'
              ? () => {
                  let c = 0;
                  return {
                    update(b: Uint8Array) {
                      c = f2fsCrc(c, b);
                    },
                    digest() {
                      return new Uint8Array([c, c >> 8]);
                    },
                  };
                }
              : () => createHash('sha256') as any,
        }),
      );
      let n = 0,
        bad = 0;
      const lines: Uint8Array[] = [];
      for (let r = v.scheduler.runSync(m.next()); r; r = v.scheduler.runSync(m.next())) {
        n++;
        if (r.error) bad++;
        if (r.line) lines.push(r.line);
      }
      res.push(`${mode} ${(performance.now() - t).toFixed(0)}ms`);
      if (mode === 'sha') {
        const text = Buffer.concat(lines.map((l) => Buffer.concat([l, Buffer.from('\n')])));
        const want = readFileSync(dir + f.replace('.img.gz', '.manifest'));
        const s = stat.snapshot().read;
        res.push(
          `n=${n} bad=${bad} open=${open} bios=${s.bios} bytes=${(s.bytes / 1e6).toFixed(1)}M same=${text.equals(want)} problems=${v.problems.map((p) => p.kind)} feat=${v.f2fs.superblock.features.toString(16)}`,
        );
      }
    }
    console.log(f, 'gunzip', tg.toFixed(0), res.join(' '));
  }
});
