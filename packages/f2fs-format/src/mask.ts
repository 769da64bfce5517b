// Names for the bits of a mask: one function for features, flags and error kinds, so that tools show all of them alike.

/**
 * The names of the bits that are set, lowest bit first. A bit that `names` lacks is shown as `unknown:0x…`, one entry
 * a bit.
 */
export function maskNames(names: ReadonlyMap<number, string>, mask: number): string[] {
  const shown: string[] = [];
  for (let index = 0; index < 32; index++) {
    const bit = 2 ** index;
    if ((mask & bit) === 0) continue;
    shown.push(names.get(bit) ?? `unknown:0x${bit.toString(16)}`);
  }
  return shown;
}

/** `{ extraAttr: 8 }` → `8 → 'extra_attr'`: the names that the C sources and the tools use. */
export function snakeNames(bits: Readonly<Record<string, number>>): ReadonlyMap<number, string> {
  return new Map(
    Object.entries(bits).map(([name, bit]) => [bit, name.replace(/[A-Z]/g, (c) => `_${c.toLowerCase()}`)]),
  );
}
