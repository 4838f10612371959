/** Making parts of the page. Whatever is in a text stays text: there is no way from here to markup. */

export type Child = Node | string | null | false;

interface Attributes {
  readonly [name: string]: string | boolean | ((event: Event) => void) | undefined;
}

/** An element with attributes (a function listens to the event of that name) and children; null and false are left out. */
export function h<K extends keyof HTMLElementTagNameMap>(tag: K, attributes: Attributes = {}, ...children: Child[]): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name, value);
    else if (value === true) element.setAttribute(name, "");
    else if (typeof value === "string") element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null && child !== false));
  return element;
}

/** Several lines of a text. */
export function lines(text: string): Child[] {
  return text.split(/\r?\n/).flatMap((line, place) => (place ? [document.createElement("br"), line] : [line]));
}
