// The numbered cases of reading, writing and writeback: defects that other implementations of the same have had, or could
// have. Each is a test of ours, by its number at the start of a title: `R14: …`, or `D17, R20: …` for several.
//
//   D   a buffered write into large folios, as it was first designed for compressed files
//   W   a writeback pass over folios, as it was first sketched
//   R   regressions that were met in kernels
//
// `scripts/check-cases.mjs` holds the tests against this list, and writes the table in docs/testing.md.

/**
 * What goes wrong, by case. `compressed`: only in files with clusters, and tested there. `below`: only where no filesystem can show it, so in
 * the packages below; any other is tested on a volume, by both engines.
 * @type {Record<string, { what: string, compressed?: true, below?: true }>}
 */
export const cases = {
  D1: { what: 'the last block of a range is left out, or comes before the first' },
  D2: { what: 'a piece reaches one page beyond its folio' },
  D3: { what: 'a last piece of one block is skipped' },
  D4: { what: 'positions or page numbers lose their high bits' },
  D5: { what: 'a mapping adds up, and claims more than was asked for' },
  D6: { what: 'a folio that begins before the write counts as a whole' },
  D7: { what: 'the folio is looked up at an aligned start, and does not contain the position' },
  D8: { what: 'a folio that could not be had, or read, is used' },
  D9: { what: 'damage is taken for an answer' },
  D10: { what: 'the position decides what a block needs, not what it holds' },
  D11: { what: 'memory changes while it is on its way, or after its mapping has changed' },
  D12: { what: 'a read that failed looks complete' },
  D13: { what: 'the context of a cluster is never advanced or freed', compressed: true },
  D14: { what: 'flags go where others are expected' },
  D15: { what: 'folios of one page are not waited for, or unlocked twice' },
  D16: { what: 'waiting is polling' },
  D17: { what: 'bytes that were not copied are seen' },
  D18: { what: 'state of a folio is mistaken for something else while reads are pending' },
  D19: { what: 'holes, reserved blocks and what is behind the end are neither zeroed nor read' },
  D20: { what: 'a folio is locked while the source is asked, or a writer slowed down' },
  D21: { what: 'a source that fails leaves locks, or room taken' },
  D22: { what: 'a folio of many pages is locked once for each' },
  D23: { what: 'the pages of the next cluster are waited for', compressed: true },
  D24: { what: 'an error leaves requests under way, or folios held' },
  D25: { what: 'the first block is not made whole where folios are small' },
  D26: { what: 'what is not written loses its place' },
  D27: { what: 'what is covered whole is read' },
  D28: { what: 'checks of space, rights, form and state are missing' },
  D29: { what: 'what has no place is read from the device' },
  D30: { what: 'a synchronous write does not know what leads to its bytes' },
  D31: { what: 'hooks work for one caller only' },
  W1: { what: 'an error of one folio is forgotten' },
  W2: { what: 'a folio behind the end of the file ends the pass' },
  W3: { what: 'only the last folio is written' },
  W4: { what: 'writeback ends with the first request, or never' },
  W5: { what: 'folios stay locked or dirty' },
  W6: { what: 'clean blocks are written, or blocks by the wrong number' },
  W7: { what: 'what is kept to be written together is never written', below: true },
  W8: { what: 'folios stay locked while the pass goes on' },
  W9: { what: 'what is meant for one page is done with a folio of many' },
  W10: { what: 'requests stay unsubmitted' },
  W11: { what: 'a budget is used up twice' },
  W12: { what: 'no way is made for a sync; data goes to the wrong log' },
  R1: { what: 'folios that are all hole stay locked' },
  R2: { what: 'requests that end at once unlock a folio early' },
  R3: { what: 'reserved blocks are waited for' },
  R4: { what: 'the walk stops at zeros' },
  R5: { what: 'counts do not begin at zero' },
  R6: { what: 'a folio is uptodate before its reads are over, and then not any more' },
  R7: { what: 'requests smaller than a block complete a folio twice', below: true },
  R8: { what: 'truncation and growth inside a cluster show old bytes', compressed: true },
  R9: { what: 'repeated truncation and growth show old bytes', compressed: true },
  R10: { what: 'a device that fails all reads hangs the overwrite of a cluster', compressed: true },
  R11: { what: 'small writes into large clusters restart for ever', compressed: true },
  R12: { what: 'a cluster that is written raw ends its writeback twice', compressed: true },
  R13: { what: 'a cut finds a cluster half replaced', compressed: true },
  R14: { what: 'a synchronous write of a byte writes the folio around it' },
  R15: { what: 'a small write costs what its folio costs' },
  R16: { what: 'an append that races with writeback shows what nobody wrote' },
  R17: { what: 'a write larger than what may be dirty stalls' },
  R18: { what: 'a sync waits for a request that was not submitted' },
  R19: { what: 'the source is the memory that is written to' },
  R20: { what: 'a source that ends in the middle of a block' },
  R21: { what: 'an append to a cluster that is still compressed', compressed: true },
  R22: { what: 'a cluster tiled by folios of several orders', compressed: true },
  R23: { what: 'the size that is recovered is that of a folio' },
  R24: { what: 'the number of the folio is taken for that of the block' },
  R25: { what: 'an error is told too often, or not to everybody' },
};
