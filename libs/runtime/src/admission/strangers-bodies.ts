/** A MiB each at most. Honest ones that nobody signs (a form for a token, a signature to be checked) are there with their headers; so many may come at once from behind one address. */
const AT_ONCE = 128;

/**
 * Bodies that are being read of requests which did not prove who sent them, so many of one address: when one more begins, the one that has been read longest
 * gives way. Slow ones so end each other, and keep no quick one out.
 */
export class StrangersBodies {
  private readonly reading = new Map<string, Set<() => void>>();

  /**
   * @param giveWay ends the reading
   * @returns to be called when the reading has ended, for whatever reason
   */
  begin(address: string, giveWay: () => void): () => void {
    const bodies = this.reading.get(address) ?? new Set();
    this.reading.set(address, bodies.add(giveWay));
    if (bodies.size > AT_ONCE) {
      const [longest] = bodies;
      bodies.delete(longest);
      longest();
    }
    return () => {
      bodies.delete(giveWay);
      if (bodies.size === 0) this.reading.delete(address);
    };
  }
}
