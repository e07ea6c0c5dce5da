import { DOMParser, type Element, onErrorStopParsing } from "@xmldom/xmldom";

/** Elements that are looked at in one text. */
const ELEMENTS_MAX = 256;

/** The elements of one name, whatever their namespace: routers are not careful there. None when the text is not XML, or has a document type. */
export function elementsIn(text: string, name: string): readonly Element[] {
  // Nothing that a router says needs one, and entities are defined there.
  if (text.includes("<!DOCTYPE")) return [];
  try {
    const document = new DOMParser({ onError: onErrorStopParsing }).parseFromString(text, "text/xml");
    return [...document.getElementsByTagNameNS("*", name)].slice(0, ELEMENTS_MAX);
  } catch {
    return [];
  }
}

/** What stands in the only element of this name below another one, or the first. */
export function textIn(element: Element, name: string): string | undefined {
  return element.getElementsByTagNameNS("*", name)[0]?.textContent?.trim();
}
