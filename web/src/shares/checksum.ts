/** RS1024, the checksum of SLIP-0039: the last three words of a share. */

const GENERATORS = [
  0xe0e040, 0x1c1c080, 0x3838100, 0x7070200, 0xe0e0009, 0x1c0c2412, 0x38086c24, 0x3090fc48, 0x21b1f890, 0x3f3f120,
];

/** What the checksum begins with: bit 4 of the second word says which. */
const PURPOSES = ["shamir", "shamir_extendable"].map((text) => Array.from(text, (letter) => letter.charCodeAt(0)));

function rs1024(values: readonly number[], state: number): number {
  for (const value of values) {
    const top = state >>> 20;
    state = ((state & 0xfffff) << 10) ^ value;
    for (const [bit, generator] of GENERATORS.entries()) if ((top >>> bit) & 1) state ^= generator;
  }
  return state;
}

/** Whether the words with these numbers have the checksum of a share. */
export function hasChecksum(numbers: readonly number[]): boolean {
  const purpose = PURPOSES[((numbers[1] ?? 0) >> 4) & 1]!;
  return rs1024([...purpose, ...numbers], 1) === 1;
}

/** Each change of one word (place, number of the right word) that makes the checksum right. It is linear: each bit has its own effect. */
export function corrections(numbers: readonly number[]): [number, number][] {
  const wanted = PURPOSES.map((purpose) => rs1024([...purpose, ...numbers], 1) ^ 1);
  const found: [number, number][] = [];
  for (const [place, number] of numbers.entries()) {
    const after = new Array<number>(numbers.length - place - 1).fill(0);
    const effects = GENERATORS.map((_, bit) => rs1024([1 << bit, ...after], 0));
    for (let right = 0; right < 1024; right++) {
      const second = place === 1 ? right : numbers[1]!;
      if (right !== number && effectOf(right ^ number, effects) === wanted[(second >> 4) & 1]) found.push([place, right]);
    }
  }
  return found;
}

function effectOf(bits: number, effects: readonly number[]): number {
  return effects.reduce((sum, effect, bit) => ((bits >> bit) & 1 ? sum ^ effect : sum), 0);
}
