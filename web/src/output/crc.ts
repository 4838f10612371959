/** CRC-32 as in zip files (ISO 3309). */

const TABLE = Uint32Array.from({ length: 256 }, (_, index) => {
  let value = index;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  return value;
});

/** The sum of what came before and this piece; begin with 0. */
export function crc32(before: number, piece: Uint8Array): number {
  let value = ~before;
  for (const byte of piece) value = TABLE[(value ^ byte) & 0xff]! ^ (value >>> 8);
  return ~value >>> 0;
}
