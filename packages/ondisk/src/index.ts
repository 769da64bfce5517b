export { Bits64, Bytes, type DecodedValue, type Field, I64, type StructLike, Structs, U8, U16, U16s, U32, U32s, U64 } from './field.ts';
export {
  bits64,
  bytes,
  decode,
  i64,
  layoutRows,
  type Struct,
  struct,
  structs,
  u8,
  u16,
  u16s,
  u32,
  u32s,
  u64,
  viewOf,
} from './struct.ts';
