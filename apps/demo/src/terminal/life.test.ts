import { expect, it } from 'vitest';
import { showLife } from './life.ts';

it('the volume keeps what it promised', async () => {
  expect(await showLife()).toBe(true);
});
