/** One restore from a repository. */

import { type About, Refused, type Sink, type Writing } from "../output/sink.ts";
import { isBelow, staysInside } from "../paths.ts";
import { type OnProgress, type Report, Reporter } from "../restore/engine.ts";
import type { Blobs } from "./blobs.ts";
import type { Index } from "./index.ts";
import type { Node, Walked } from "./trees.ts";

/** Behind the name of a file that is not whole: what is missing are zeros. */
const INCOMPLETE = ".incomplete";

export class Restore {
  private readonly reporter = new Reporter();
  private readonly links = new Map<string, string>();
  private done = 0;
  private total = 0;

  constructor(
    private readonly tree: Walked,
    private readonly chosen: ReadonlySet<string>,
    private readonly sink: Sink,
    private readonly index: Index,
    private readonly blobs: Blobs,
    private readonly trouble: ReadonlySet<string>,
    private readonly progress: OnProgress,
  ) {}

  async run(): Promise<Report> {
    const nodes = this.tree.nodes.filter(({ path }) => isBelow(path, this.chosen));
    const files = nodes.filter(({ kind }) => kind === "file").map((node) => ({ node, at: this.placeOf(node) }));
    files.sort((one, other) => (one.at < other.at ? -1 : 1)); // as they lie in the packs
    this.total = files.reduce((sum, { node }) => sum + node.size, 0);
    this.blobs.plan(files.flatMap(({ node }) => node.content));
    for (const path of this.tree.lost) if (isBelow(path, this.chosen)) this.reporter.problem(path, "lost");
    for (const path of this.tree.refused) this.reporter.problem(path, "outside");
    for (const node of nodes) if (node.kind !== "file") await this.other(node);
    const holed: Node[] = [];
    for (const { node } of files) if (!(await this.file(node))) holed.push(node);
    for (const node of holed) await this.withHoles(node);
    await this.sink.finish();
    for (const name of this.trouble) this.reporter.damage(name);
    return this.reporter.report;
  }

  private placeOf({ content: [first] }: Node): string {
    const place = first === undefined ? undefined : this.index.places(first)[0];
    return place ? `${place.pack} ${String(place.offset).padStart(16, "0")}` : "";
  }

  private async other({ path, kind, target }: Node): Promise<void> {
    if (kind === "special") return this.reporter.problem(path, "special");
    if (kind === "folder") return this.guarded(path, () => this.sink.folder(path));
    if (!staysInside(path, target)) return this.reporter.problem(path, "outside");
    await this.guarded(path, async () => {
      if (!(await this.sink.symlink(path, target))) this.reporter.problem(path, "link");
    });
  }

  /** False when it is not whole; then nothing of it is kept. */
  private async file(node: Node): Promise<boolean> {
    const earlier = node.inode && this.links.get(node.inode);
    if (earlier && (await this.sink.again(node.path, earlier)) !== null) {
      await this.count(node);
      return true;
    }
    if (this.known(node) !== node.size) return false; // before a byte is written: a size may be of any length
    let whole = true;
    await this.guarded(node.path, async () => {
      const writing = await this.sink.file(node.path, aboutOf(node));
      whole = (await this.write(node, writing, false)) === node.size;
      if (!whole) return writing.drop();
      await writing.end();
      await this.count(node);
      if (node.inode) this.links.set(node.inode, node.path);
    });
    return whole;
  }

  /** How many bytes its blobs have, as the index says; NaN where it does not know one. */
  private known({ content }: Node): number {
    return content.reduce((sum, blob) => sum + (this.index.places(blob)[0]?.plain ?? NaN), 0);
  }

  /** What is left of a file, under a name that says so. */
  private async withHoles(node: Node): Promise<void> {
    this.reporter.problem(node.path, "lost");
    if (this.known(node) !== node.size) return;
    const path = node.path + INCOMPLETE;
    await this.guarded(path, async () => {
      const writing = await this.sink.file(path, aboutOf(node));
      const written = await this.write(node, writing, true);
      await (written ? writing.end() : writing.drop());
      if (written) this.reporter.problem(path, "holes");
    });
  }

  /** How many bytes were written. */
  private async write(node: Node, writing: Writing, withHoles: boolean): Promise<number> {
    let [offset, written] = [0, 0];
    for (const id of node.content) {
      const blob = await this.blobs.get(id);
      if (!blob && !withHoles) return NaN;
      if (blob && offset + blob.length > node.size) return NaN;
      if (blob) await writing.write(offset, blob);
      offset += blob?.length ?? this.index.places(id)[0]!.plain;
      written += blob?.length ?? 0;
      this.done += blob?.length ?? 0;
      await this.tell(node.path);
    }
    return written;
  }

  private async count({ path, size }: Node): Promise<void> {
    this.reporter.files += 1;
    this.reporter.bytes += size;
    await this.tell(path);
  }

  private async tell(path: string): Promise<void> {
    await this.progress({ done: Math.min(this.done, this.total), total: this.total, files: this.reporter.files, path });
  }

  private async guarded(path: string, action: () => Promise<void>): Promise<void> {
    try {
      await action();
    } catch (problem) {
      if (!(problem instanceof Refused)) throw problem;
      this.reporter.problem(path, "refused");
    }
  }
}

function aboutOf({ size, time, mode }: Node): About {
  return { size, time, mode };
}
