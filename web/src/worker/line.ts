/** Questions and answers between the page and its worker. */

export type Handlers = Readonly<Record<string, (...given: never[]) => unknown>>;

/** What both a worker and its own side of it are. */
export interface End {
  postMessage(message: unknown, transfer: Transferable[]): void;
  onmessage: ((event: MessageEvent) => void) | null;
}

type Message =
  | { readonly ask: number; readonly name: string; readonly given: unknown[] }
  | { readonly answer: number; readonly value?: unknown; readonly problem?: string };

export class Line {
  private next = 0;
  private readonly waiting = new Map<number, { resolve(value: unknown): void; reject(problem: Error): void }>();

  constructor(
    private readonly end: End,
    private readonly handlers: Handlers,
  ) {
    end.onmessage = ({ data }) => void this.take(data as Message);
  }

  /** Bytes that are given go over, and are not copied. */
  ask(name: string, ...given: unknown[]): Promise<unknown> {
    const ask = this.next++;
    return new Promise((resolve, reject) => {
      this.waiting.set(ask, { resolve, reject });
      this.end.postMessage({ ask, name, given }, buffers(given));
    });
  }

  private async take(message: Message): Promise<void> {
    if ("ask" in message) return this.reply(message);
    const { resolve, reject } = this.waiting.get(message.answer)!;
    this.waiting.delete(message.answer);
    if (message.problem === undefined) resolve(message.value);
    else reject(new Error(message.problem));
  }

  private async reply({ ask, name, given }: Extract<Message, { ask: number }>): Promise<void> {
    try {
      const value = await this.handlers[name]!(...(given as never[]));
      this.end.postMessage({ answer: ask, value }, buffers([value]));
    } catch (problem) {
      const { name: kind, message } = problem as Error;
      this.end.postMessage({ answer: ask, problem: kind === "Refused" ? kind : message || kind || String(problem) }, []);
    }
  }
}

function buffers(values: readonly unknown[]): ArrayBuffer[] {
  return values.flatMap((value) => (value instanceof Uint8Array && value.buffer instanceof ArrayBuffer && value.byteLength === value.buffer.byteLength ? [value.buffer] : []));
}
