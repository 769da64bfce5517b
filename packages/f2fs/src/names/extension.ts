// What the end of a name says: the volume's lists of hot and cold extensions, and the extensions of the mount options that are
// compressed or not. Letters compare in either case; `*` is every name; a dot that begins a name begins no extension.
// An extension is a string of bytes: each character has the code of one.
// Source: spec 2.6, 9.1; kernel fs/f2fs/namei.c (is_extension_exist).

const DOT = 0x2e;

/** Whether what stands behind a dot of the name begins with the extension: `mp` is in `a.mp3`, and in `a.mp4.part`. */
export function hasExtension(name: Uint8Array, extension: string): boolean {
  return matches(name, extension, false);
}

/** Whether a part of the name between dots, or behind the last one, is the extension: `so` is in `a.so.tmp`, not in `a.sox`. */
export function endsInExtension(name: Uint8Array, extension: string): boolean {
  return matches(name, extension, true);
}

function matches(name: Uint8Array, extension: string, whole: boolean): boolean {
  if (extension === '*') return true;
  const { length } = extension;
  for (let dot = 1; dot + 1 + length <= name.length; dot++) {
    if (name[dot] !== DOT) continue;
    const end = dot + 1 + length;
    let same = 0;
    while (same < length && lower(name[dot + 1 + same]!) === lower(extension.charCodeAt(same))) same++;
    if (same === length && (!whole || end === name.length || name[end] === DOT)) return true;
  }
  return false;
}

function lower(code: number): number {
  return code >= 0x41 && code <= 0x5a ? code + 0x20 : code;
}
