/** "a, b and c". */
export function list(parts: readonly string[], and: string): string {
  return parts.length < 2 ? parts.join("") : `${parts.slice(0, -1).join(", ")} ${and} ${parts[parts.length - 1]}`;
}

const FEW = 8;

/** The first of many names, and dots. */
export function few(names: readonly string[]): string[] {
  return names.length > FEW ? [...names.slice(0, FEW - 1), "…"] : [...names];
}
