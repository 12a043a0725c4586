import { digestOf } from "./digest.ts";

/** Pages that were heard and not named by a head yet; a liar who sends many pushes out only what was not needed. */
const SPARE_PAGES = 64;
/** UTF-16 units. No hub's NATS takes a larger message (nats/hub-config.ts); a server that lies must not fill the memory either. */
const MAX_PAGE_LENGTH = 1024 * 1024;

/** Pages by digest: nothing is in it whose bytes do not match its name. */
export class PageCache {
  readonly #pages = new Map<string, string>();

  /** False, and nothing kept, when `page` is not what `digest` names, or larger than any page is. */
  put(digest: string, page: string): boolean {
    if (page.length > MAX_PAGE_LENGTH || digestOf(page) !== digest) return false;
    this.#pages.set(digest, page);
    return true;
  }

  get(digest: string): string | undefined {
    return this.#pages.get(digest);
  }

  /** Drops the oldest pages beyond a few that `needed` does not name. */
  trim(needed: readonly string[]): void {
    const named = new Set(needed);
    const spare = [...this.#pages.keys()].filter((digest) => !named.has(digest));
    for (const digest of spare.slice(0, Math.max(0, spare.length - SPARE_PAGES))) this.#pages.delete(digest);
  }

  get size(): number {
    return this.#pages.size;
  }
}
