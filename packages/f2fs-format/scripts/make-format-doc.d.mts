/** Every table that docs/format.md may use, by name; `format` is the module namespace of this package. */
export function formatTables(format: object): Map<string, string>;
/** The document with its tables made anew; throws for an unknown table and for one that is left out. */
export function fillTables(document: string, tables: ReadonlyMap<string, string>): string;
