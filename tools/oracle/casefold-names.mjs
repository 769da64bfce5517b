#!/usr/bin/env node
// casefold-names.mjs : prints names for a casefolded directory and spellings under which to look for each, all bytes in
// hex, one name a line: NAME TAB SPELLING[,SPELLING ...]. Some spellings must find the name, some must not: the kernel says.
// Names that are equal to an earlier one under case folding are fine: creating them finds the earlier one.
const utf8 = (text) => Buffer.from(text, 'utf8');
const between = (text, inserted) => [...text].join(inserted);

// Spec A.5, and by kind. \u{...} is used where the glyph would not tell.
const texts = [
  'README', 'Straße', '\u{c4}\u{d6}\u{dc}', '\u{fb01}x', '\u{130}stanbul', 'Σίσυφος', 'ΟΔΟΣ', '한글', 'so\u{ad}ft', '\u{212a}elvin',
  '\u{1e9e}', '\u{212b}ng', '\u{10400}deseret', 'a\u{301}\u{323}', '\u{17f}long', '\u{2167}', '\u{13f8}', '\u{ab70}',
  // Plain, and what only looks like a case pair.
  'Makefile', 'file.TXT', 'with space', 'UPPER lower 0123', 'i', 'I\u{307}', '\u{131}', 'ß', 'ẞẞ', 'ΐ', '\u{1fd3}', 'ΰ', 'ﬀ', 'ﬃ', 'ﬅ', 'ﬓ', 'ŉ', 'ǰ', 'ẖ',
  'Ǆ', 'ǅ', 'ǆ', 'ǲ', 'Ω', '\u{2126}', 'µ', 'μ', 'ϐ', 'ς', 'ᾳ', 'ᾼ', 'ᾀ', 'ᾈ', 'ῼ', 'ᾷ', '\u{345}', '\u{345}\u{3b1}',
  // Composition, order of marks, Hangul, singletons, compatibility forms (not folded by NFD).
  'é', 'e\u{301}', 'ế', 'e\u{302}\u{301}', 'q\u{307}\u{323}', 'q\u{323}\u{307}', 'ǖ', 'ｆｕｌｌ', '①', '½', '\u{2f00}', '\u{f900}', '\u{2f800}', '가각힣', '\u{1100}\u{1161}', '\u{11a8}', 'ク゛', 'グ',
  'क़', '\u{915}\u{93c}', 'ཱི', '\u{f71}\u{f72}', 'ෝ', '𝅗𝅥', '\u{1d15e}', 'שּׁ', '\u{344}', '\u{37e}', '\u{387}', '\u{1fef}', '\u{2000}', '\u{2329}', '\u{2adc}',
  // Cherokee, Georgian, Deseret, Osage, Warang Citi, Adlam, Medefaidrin, Glagolitic, Coptic, Armenian, circled.
  'ᎠᎡ', 'ꭰꭱ', 'ᏸ', 'ᏰᏱ', '\u{1c90}\u{1c91}', 'აბ', '\u{10a0}', '\u{2d00}', '\u{104b0}', '\u{118a0}', '\u{1e900}', '\u{16e40}', 'Ⰰ', 'Ⲁ', 'Ա', 'և', 'Ⓐ', 'Ⅷ', 'Ａ', 'Ꙁ', 'Ꚁ', 'Ꜣ', 'Ɐ', 'Ꞵ', 'ꞵ', 'ᲀ', 'в', 'ᲈ', 'Ꙋ',
  // Ignorable code points. No name that folds to nothing: on disk such names are told apart by their bytes, but Linux's
  // cache of names takes each for the other, so what it shows depends on which was looked up first.
  'zero\u{200b}width', 'join\u{200d}er', 'non\u{200c}joiner', 'heart\u{2764}\u{fe0f}', 'grapheme\u{34f}joiner', 'bom\u{feff}', 'mark\u{200e}', 'word\u{2060}joiner', 'tag\u{e0041}', 'vs\u{e0100}', 'hangul\u{115f}filler', '\u{3164}x', '\u{180b}mongolian', '\u{180e}mvs', '\u{61c}alm', '\u{1d173}music', '\u{fff0}x', '\u{e0fff}x',
  // Unassigned in Unicode 12.1, assigned later; some have case now. And never assigned, private, not characters.
  '\u{1fae0}Face', '\u{870}Arabic', '\u{2c2f}X', '\u{2c5f}X', '\u{a7c7}X', '\u{a7c8}X', '\u{a7c0}X', '\u{10570}X', '\u{10597}X', '\u{a7f5}X', '\u{1e290}X', '\u{9fd}X', '\u{32ff}X', '\u{378}X', '\u{e000}X', '\u{f8ff}X', '\u{ffff}X', '\u{fdd0}X', '\u{10ffff}X', '\u{10fffd}X', '\u{1fffe}X', '\u{e0080}X', '\u{2a6d7}X', '\u{30000}X', '\u{1b150}X', '\u{1f16c}X', '\u{1f90d}X', '\u{1fa70}X',
  // Control characters are ordinary here.
  'bell\u{7}', 'del\u{7f}', 'nel\u{85}', 'a\tb', '-dash', '.Hidden', '...', 'back\\slash',
  // Lengths around 255 bytes, before and after folding.
  'A'.repeat(254), 'B'.repeat(255), 'ΐ'.repeat(42), 'ΰ'.repeat(43), 'Ä'.repeat(84), 'Ö'.repeat(85), 'K'.repeat(80), 'ﬃ'.repeat(84), 'ﬄ'.repeat(85), '한'.repeat(28), '글'.repeat(29), 'c\u{200d}'.repeat(63), '\u{1f82}'.repeat(27), '\u{1f83}'.repeat(32),
  ...Array.from({ length: 40 }, (_, i) => `Plain-Name-${i}`),
];
// Not UTF-8: compared by their bytes, case counts.
const bytes = [
  'fffe626164', 'C380c1', '41c0af', 'eda080', 'EDBFBF58', 'f4908080', 'f8888080', 'e282', 'c3', '80', 'f09f98', '41ff', '4bc328', 'f0808080', 'e08080', 'c2',
].map((hex) => Buffer.from(hex, 'hex'));

/** One code point another: a spelling that has to be told apart. */
const changed = (text) => [...text].slice(0, -1).join('') + (text.endsWith('q') ? 'r' : 'q');
const spellings = (text) => [
  text, text.toLowerCase(), text.toUpperCase(), text.normalize('NFC'), text.normalize('NFD'), text.toUpperCase().normalize('NFD'),
  text.toLowerCase().normalize('NFD'), text.normalize('NFKC'), text.normalize('NFKC').toLowerCase(), text.toUpperCase().toLowerCase(),
  changed(text), between(text, '\u{ad}'), `${text}\u{200d}`, `\u{fe0f}${text}`, `${text}\u{301}`, text.replaceAll(/[\u{ad}\u{200b}-\u{200f}\u{2060}\u{fe0f}\u{34f}]/gu, ''),
];
const asciiCase = (name, from, to, by) => Buffer.from(name.map((byte) => (byte >= from && byte <= to ? byte + by : byte)));

const print = (name, others) => {
  const hex = others.filter((other) => other.length > 0 && other.length <= 255 && !other.includes(0x2f)).map((other) => other.toString('hex'));
  process.stdout.write(`${name.toString('hex')}\t${[...new Set(hex)].join(',')}\n`);
};
for (const text of new Set(texts)) print(utf8(text), spellings(text).map(utf8));
for (const name of bytes) print(name, [name, asciiCase(name, 65, 90, 32), asciiCase(name, 97, 122, -32), Buffer.concat([name, utf8('\u{ad}')])]);
