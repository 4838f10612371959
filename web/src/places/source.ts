/** The files of a place, wherever they really lie: what reads an archive or a repository knows no more of them. */

import type { Bytes } from "../bytes.ts";

export interface Source {
  /** Every file below the place's folder, by its path there, with its size. */
  readonly sizes: ReadonlyMap<string, number>;
  /** The bytes of a file, or those from one place to another; throws when it cannot be read. */
  read(name: string, from?: number, to?: number): Promise<Bytes>;
}
