import { test } from 'vitest';
import { adversaries } from '@f2fskit/testkit';
import { examine } from './mutation-examination.ts';
import { costLimits } from './mutation-demands.ts';
test('adv', ()=>{
  for(const a of adversaries){
    if(process.env.ONLY && !a.name.match(process.env.ONLY)) continue;
    const image=a.build(); const t=performance.now();
    const seen=examine(image,{limits:{...costLimits(image.size/4096)}});
    console.log(a.name, (performance.now()-t).toFixed(0),'ms', seen.refused?.message??'', 'innocent', seen.lines.has('./innocent'), JSON.stringify(seen.counts),'lines',seen.lines.size,'damage',seen.damage.length, seen.damage.slice(0,2).map(d=>d.message.slice(0,150)), seen.broken.slice(0,2).map(x=>x.slice(0,500)));
  }
},600000);
