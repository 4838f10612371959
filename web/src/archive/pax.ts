/** The extended header of the pax format: records of a length, a space, a name, `=`, a value, and a line end. */

import { binaryOf } from "../paths.ts";

/** A name may come again and again: sparse files are written so. */
export type Fields = Map<string, Uint8Array[]>;

export function readPax(header: Uint8Array): Fields {
  const fields: Fields = new Map();
  for (let start = 0; start < header.length; ) {
    const space = header.indexOf(32, start);
    const length = space < 0 ? 0 : Number(binaryOf(header.subarray(start, space)));
    const record = header.subarray(space + 1, start + length - 1);
    const equal = record.indexOf(61);
    if (!(length > 0) || start + length > header.length || header[start + length - 1] !== 10 || equal < 0) throw new RangeError();
    const name = binaryOf(record.subarray(0, equal));
    const values = fields.get(name);
    if (values) values.push(record.subarray(equal + 1));
    else fields.set(name, [record.subarray(equal + 1)]);
    start += length;
  }
  return fields;
}
