// The pax records of an archive, as text: enough to look at what tar does not show.

/** Every `key=value` of every extended header. */
export async function paxRecordsOf(chunks: AsyncIterable<Uint8Array>): Promise<Array<[key: string, value: string]>> {
  const parts: Buffer[] = [];
  for await (const chunk of chunks) parts.push(Buffer.from(chunk.slice()));
  const archive = Buffer.concat(parts);
  const records: Array<[string, string]> = [];
  for (let at = 0; at + 512 <= archive.length && archive[at] !== 0; ) {
    const size = Number.parseInt(archive.toString('latin1', at + 124, at + 135), 8);
    const content = archive.subarray(at + 512, at + 512 + size);
    if (String.fromCharCode(archive[at + 156]!) === 'x') {
      for (let from = 0; from < content.length; ) {
        const length = Number.parseInt(content.toString('latin1', from, from + 12), 10);
        const text = content.toString('latin1', content.indexOf(0x20, from) + 1, from + length - 1);
        records.push([text.slice(0, text.indexOf('=')), text.slice(text.indexOf('=') + 1)]);
        from += length;
      }
    }
    at += 512 + Math.ceil(size / 512) * 512;
  }
  return records;
}
