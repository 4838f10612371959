/** Where restored files go. Paths are binary text, below the root, and checked by whoever gives them. */

export interface About {
  readonly size: number;
  /** Seconds since 1970. */
  readonly time: number;
  /** As chmod(1) counts. */
  readonly mode: number;
}

/** A file that is being written; what is between the pieces is zeros. */
export interface Writing {
  write(offset: number, piece: Uint8Array): Promise<void>;
  /** All of it is there. */
  end(): Promise<void>;
  /** It stays away: it could not be read to its end. */
  drop(): Promise<void>;
}

/** Throws `Refused` for one thing that cannot be written; anything else ends the restore. */
export interface Sink {
  /** Paths that could not keep their names, and what they are called now. */
  readonly renamed?: ReadonlyMap<string, string>;
  folder(path: string): Promise<void>;
  file(path: string, about: About): Promise<Writing>;
  /** Another name of a file that this sink has written; gives its size, null where that cannot be done. */
  again(path: string, earlier: string): Promise<number | null>;
  /** False where there are no symbolic links. */
  symlink(path: string, target: string): Promise<boolean>;
  finish(): Promise<void>;
}

/** One path that this sink cannot write. */
export class Refused extends Error {
  override readonly name = "Refused";
}
