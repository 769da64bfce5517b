// Access control lists as text, as GNU tar and star write them into archives (SCHILY.acl.access): to what setxattr takes.
//
//   user::rwx,user:1000:r-x,group::r-x,mask::rwx,other::r--
//   user:lisa:r-x:1000         star adds the number of a name
//
// A list that knows somebody by name only cannot be kept: names are no numbers here.

const TAGS: Readonly<Record<string, [own: number, named: number]>> = {
  user: [0x01, 0x02],
  u: [0x01, 0x02],
  group: [0x04, 0x08],
  g: [0x04, 0x08],
  mask: [0x10, 0x10],
  m: [0x10, 0x10],
  other: [0x20, 0x20],
  o: [0x20, 0x20],
};
/** Of the attributes system.posix_acl_access and system.posix_acl_default. */
const VERSION = 2;
const NOBODY = 0xffff_ffff;
const ENTRY_BYTES = 8;

/** The value of the attribute; `undefined` for text that is no list, or knows somebody by name only. */
export function aclFromText(text: string): Uint8Array | undefined {
  const entries: Array<{ tag: number; permissions: number; id: number }> = [];
  for (const part of text.split(/[,\n]/)) {
    const line = part.replace(/#.*$/, '').trim();
    if (line === '') continue;
    const [word = '', who = '', rights = '', number = who] = line.replace(/^default:/, '').split(':');
    const tags = TAGS[word];
    if (tags === undefined || !/^[r-][w-][x-]$/.test(rights)) return undefined;
    const named = who !== '';
    const id = named ? idOf(number) : NOBODY;
    if (id === undefined) return undefined;
    const permissions = [...rights].reduce((bits, letter, at) => bits | (letter === '-' ? 0 : 4 >> at), 0);
    entries.push({ tag: tags[named ? 1 : 0], permissions, id });
  }
  if (entries.length === 0) return undefined;
  entries.sort((a, b) => a.tag - b.tag || a.id - b.id);
  const bytes = new Uint8Array(4 + ENTRY_BYTES * entries.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, VERSION, true);
  for (const [index, { tag, permissions, id }] of entries.entries()) {
    const at = 4 + ENTRY_BYTES * index;
    view.setUint16(at, tag, true);
    view.setUint16(at + 2, permissions, true);
    view.setUint32(at + 4, id, true);
  }
  return bytes;
}

function idOf(text: string): number | undefined {
  return /^\d{1,10}$/.test(text) && Number(text) < NOBODY ? Number(text) : undefined;
}
