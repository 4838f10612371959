/**
 * One restore from an archive. The runs are read newest first, and each path is written once, from the newest run that has it: so nothing that
 * was written has to be removed again. Every run begins with what each folder contained and what of it the run has. That tells
 * what is lost where a run is broken: never does an older content take the place of a newer one.
 */

import { type About, Refused, type Sink, type Writing } from "../output/sink.ts";
import { inside, isBelow, staysInside } from "../paths.ts";
import { type OnProgress, type Report, Reporter } from "../restore/engine.ts";
import { ByteReader } from "../streams/reader.ts";
import type { Manifest } from "./manifest.ts";
import type { Names } from "./names.ts";
import { type Member, members } from "./tar.ts";
import { Damaged, type Volumes } from "./volumes.ts";

/** What one run has of what is still wanted. */
interface Pass {
  readonly reader: ByteReader;
  /** How much of the member at hand is unread. */
  readonly left: { count: number };
  /** Wanted paths that this run has, as its folders say, and those that an older one has. */
  readonly due: Set<string>;
  readonly older: Set<string>;
  /** Where the content of a name of this run was written to. */
  readonly written: Map<string, string>;
  begun: boolean;
}

export class Restore {
  private readonly reporter = new Reporter();
  private readonly wanted = new Map<string, string>();
  private done = 0;
  private total = 0;

  constructor(
    private readonly names: Names,
    private readonly chosen: ReadonlySet<string>,
    private readonly sink: Sink,
    private readonly volumes: Volumes,
    private readonly progress: OnProgress,
  ) {
    for (const [path, kind] of names.kinds) if (isBelow(path, chosen)) this.wanted.set(path, kind);
  }

  /** From these runs, newest first; `missing`: objects without which older runs cannot be read. */
  async run(line: readonly Manifest[], missing: readonly string[]): Promise<Report> {
    this.total = line.reduce((sum, { run }) => sum + run.stored, 0);
    for (const path of this.names.unread) if (isBelow(path, this.chosen)) this.reporter.problem(path, "unread");
    for (const path of this.names.refused) this.reporter.problem(path, "outside");
    await this.folders();
    for (const manifest of line) {
      if (!this.wanted.size) break;
      await this.pass(manifest);
    }
    if (this.wanted.size) missing.forEach((name) => this.reporter.damage(name));
    for (const path of this.wanted.keys()) this.reporter.problem(path, "lost");
    await this.sink.finish();
    return this.reporter.report;
  }

  /** All folders first, so that the empty ones are there, too. */
  private async folders(): Promise<void> {
    for (const [path, kind] of this.wanted) {
      if (kind !== "d") continue;
      this.wanted.delete(path);
      await this.guarded(path, () => this.sink.folder(path));
    }
  }

  private async pass(manifest: Manifest): Promise<void> {
    const before = this.done;
    const stream = this.volumes.stream(manifest, (bytes) => (this.done += bytes));
    const pass: Pass = { reader: new ByteReader(stream), left: { count: 0 }, due: new Set(), older: new Set(), written: new Map(), begun: false };
    try {
      for await (const member of members(pass.reader, pass.left)) {
        if (member.kind === "folder") this.see(member, pass);
        else if (this.begin(pass)) await this.take(member, pass);
        if (pass.begun && !pass.due.size) break;
      }
      this.begin(pass);
    } catch (problem) {
      if (problem instanceof Fatal) throw problem.reason;
      this.reporter.damage(problem instanceof Damaged ? problem.object : manifest.run.id);
      this.lose(pass);
    } finally {
      await stream.return(undefined);
      this.done = before + manifest.run.stored;
    }
    for (const path of pass.due) this.giveUp(path);
  }

  private see({ path, contents }: Member, pass: Pass): void {
    const folder = inside(path);
    if (folder === null || !contents) return;
    for (const [name, has] of contents) {
      const inner = folder ? `${folder}/${name}` : name;
      if (this.wanted.has(inner)) (has ? pass.due : pass.older).add(inner);
    }
  }

  /** When all folders are seen: what none of them lists was not there then, so that no older run has it either. */
  private begin(pass: Pass): true {
    if (!pass.begun) {
      pass.begun = true;
      for (const path of this.wanted.keys()) if (!pass.due.has(path) && !pass.older.has(path)) this.giveUp(path);
    }
    return true;
  }

  /** A run that is broken: lost is what it has, and what nobody can tell of. */
  private lose(pass: Pass): void {
    for (const path of this.wanted.keys()) if (!pass.older.has(path)) this.giveUp(path);
    pass.due.clear();
  }

  private giveUp(path: string): void {
    if (this.wanted.delete(path)) this.reporter.problem(path, "lost");
  }

  private async take(member: Member, pass: Pass): Promise<void> {
    const path = inside(member.path);
    if (!path) return this.reporter.problem(member.path, "outside");
    const name = this.placeFor(path, pass);
    if (member.kind === "file") return name === null ? undefined : this.write(name, path, member, pass);
    if (!pass.due.has(path)) return;
    this.settle(path, pass);
    if (member.kind === "link") return this.link(path, member, pass);
    if (member.kind === "special") return this.reporter.problem(path, "special");
    if (!staysInside(path, member.target)) return this.reporter.problem(path, "outside");
    await this.guarded(path, async () => {
      if (!(await this.sink.symlink(path, member.target))) this.reporter.problem(path, "link");
    });
  }

  /** Under which wanted name the content of this file is kept: its own, or another one of the same file. */
  private placeFor(path: string, pass: Pass): string | null {
    if (pass.due.has(path)) return path;
    return this.names.groups.get(this.names.kinds.get(path) ?? "")?.find((each) => pass.due.has(each)) ?? null;
  }

  private settle(path: string, pass: Pass): void {
    this.wanted.delete(path);
    pass.due.delete(path);
  }

  private async write(name: string, path: string, member: Member, pass: Pass): Promise<void> {
    const about = aboutOf(member);
    let writing: Writing | null = null;
    await this.guarded(name, async () => (writing = await this.sink.file(name, about)));
    if (!writing) return this.settle(name, pass);
    try {
      await this.content(writing, member, pass);
    } catch (problem) {
      await (writing as Writing).drop().catch(() => undefined);
      throw problem;
    }
    await this.guarded(name, () => (writing as Writing).end());
    this.settle(name, pass);
    pass.written.set(path, name);
    await this.count(name, member.size);
  }

  private async content(writing: Writing, member: Member, pass: Pass): Promise<void> {
    for (const extent of member.data) {
      let { offset } = extent;
      for await (const piece of pass.reader.part(extent.length)) {
        await fatal(writing.write(offset, piece));
        offset += piece.length;
        pass.left.count -= piece.length;
      }
    }
  }

  private async link(path: string, member: Member, pass: Pass): Promise<void> {
    const target = inside(member.target);
    const earlier = target === null ? undefined : pass.written.get(target);
    if (target === null) return this.reporter.problem(path, "outside");
    if (earlier === undefined) return this.reporter.problem(path, "lost");
    await this.guarded(path, async () => {
      const size = await this.sink.again(path, earlier);
      if (size === null) this.reporter.problem(path, "twin");
      else await this.count(path, size);
    });
  }

  private async count(path: string, bytes: number): Promise<void> {
    this.reporter.files += 1;
    this.reporter.bytes += bytes;
    await fatal(this.progress({ done: this.done, total: this.total, files: this.reporter.files, path }));
  }

  /** What the sink refuses is told; what it cannot do at all ends the restore. */
  private async guarded(path: string, action: () => Promise<unknown>): Promise<void> {
    try {
      await action();
    } catch (problem) {
      if (!(problem instanceof Refused)) throw new Fatal(problem);
      this.reporter.problem(path, "refused");
    }
  }
}

/** What is wrong is not the archive but where the files go. */
class Fatal extends Error {
  constructor(readonly reason: unknown) {
    super();
  }
}

async function fatal(action: Promise<void>): Promise<void> {
  try {
    await action;
  } catch (problem) {
    throw new Fatal(problem);
  }
}

function aboutOf({ size, time, mode }: Member): About {
  return { size, time, mode };
}
