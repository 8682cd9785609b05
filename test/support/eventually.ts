export interface Patience {
  /** Milliseconds until the deadline. */
  within?: number;
  /** Milliseconds between two looks. */
  every?: number;
}

/**
 * Looks again and again until there is something to see: `look` neither throws nor returns undefined, null or false.
 * @throws what the last look threw, once the deadline has passed
 */
export async function eventually<T>(
  look: () => Promise<T> | T,
  { within = 20_000, every = 50 }: Patience = {},
): Promise<Exclude<NonNullable<T>, false>> {
  const deadline = Date.now() + within;
  for (;;) {
    let failure: unknown = new Error(`There was nothing to see within ${within} ms.`);
    try {
      const seen = await look();
      if (seen !== undefined && seen !== null && seen !== false) return seen as Exclude<NonNullable<T>, false>;
    } catch (error) {
      failure = error;
    }
    if (Date.now() > deadline) throw failure;
    await new Promise((resolve) => setTimeout(resolve, every));
  }
}
